/// Folds case for search and for sorting by name: each character by itself to upper and then to lower
/// case, as Unicode maps them, so `ß`, `ẞ` and `SS` meet, as do `Σ`, `σ` and `ς`.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// What a list is searched for: a substring, case folded, every character taken literally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search(String);

impl Search {
    /// A search for this text; `None` if it is empty, which matches everything.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(fold(text)))
    }

    /// The folded text, for a store that compares it itself.
    pub fn folded(&self) -> &str {
        &self.0
    }

    /// Whether `text` contains it.
    pub fn matches(&self, text: &str) -> bool {
        fold(text).contains(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_folds_case_beyond_ascii() {
        for (needle, text) in [
            ("crm", "My CRM"),
            ("ÄRGER", "großer ärger"),
            ("strasse", "Hauptstraße"),
            ("ΟΣ", "λόγος"),
            ("ИМЯ", "имя"),
        ] {
            assert!(Search::new(needle).unwrap().matches(text), "{needle} in {text}");
        }
    }

    #[test]
    fn a_search_takes_wildcards_literally() {
        assert!(Search::new("100%").unwrap().matches("at 100% load"));
        assert!(!Search::new("100%").unwrap().matches("1000"));
        assert!(!Search::new("a_b").unwrap().matches("axb"));
    }

    #[test]
    fn an_empty_search_is_none() {
        assert_eq!(Search::new(""), None);
    }
}
