//! Everything that is wrong with the fields of a body.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// Every fault of a body: field paths (`name`, `permissions[1]`) in the order met, each with its messages.
///
/// Serializes as the `errors` member of a problem: `{"field.path": ["message", …]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<(String, Vec<String>)>);

impl Faults {
    /// Adds what is wrong at `path`.
    pub fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let path = path.into();
        // From the end: the faults of one path mostly come one after another.
        match self.0.iter_mut().rev().find(|(known, _)| *known == path) {
            Some((_, messages)) => messages.push(message.into()),
            None => self.0.push((path, vec![message.into()])),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Faults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (path, messages) in &self.0 {
            map.serialize_entry(path, messages)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_keep_their_order_and_gather_by_path() {
        let mut faults = Faults::default();
        assert!(faults.is_empty());
        faults.add("permissions[10]", "is empty");
        faults.add("permissions[2]", "is unknown");
        faults.add("name", "is empty");
        faults.add("permissions[2]", "is too long");
        assert!(!faults.is_empty());
        assert_eq!(
            serde_json::to_string(&faults).unwrap(),
            r#"{"permissions[10]":["is empty"],"permissions[2]":["is unknown","is too long"],"name":["is empty"]}"#
        );
    }
}
