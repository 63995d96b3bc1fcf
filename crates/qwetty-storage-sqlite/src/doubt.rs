use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many records are remembered one by one.
const MOST: usize = 1024;

/// What a job writes to, of that by which a later call may find that there is nothing left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Nothing: usage, and whatever else only adds up.
    None,
    /// The key, or the organization with its channels, that has this id.
    Record(u128),
}

/// What commits that failed would have changed. What they wrote to the log may come back when the file is opened again, until another
/// commit has taken their place; and until then nobody is to be told that it is so, or that it is not.
#[derive(Debug, Default)]
pub(crate) struct Doubt {
    /// Whether the last commit failed.
    is_there: AtomicBool,
    records: Mutex<Records>,
}

#[derive(Debug)]
enum Records {
    Some(HashSet<u128>),
    All,
}

impl Default for Records {
    fn default() -> Self {
        Self::Some(HashSet::new())
    }
}

impl Doubt {
    pub(crate) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::SeqCst)
    }

    /// Whether this record is in doubt.
    pub(crate) fn has(&self, record: u128) -> bool {
        self.is_there()
            && match &*self.records.lock().unwrap_or_else(PoisonError::into_inner) {
                Records::Some(records) => records.contains(&record),
                Records::All => true,
            }
    }

    /// A commit with these subjects failed.
    pub(crate) fn add(&self, subjects: impl IntoIterator<Item = Subject>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects {
            let (Subject::Record(id), Records::Some(some)) = (subject, &mut *records) else { continue };
            some.insert(id);
            if some.len() > MOST {
                *records = Records::All;
            }
        }
        self.is_there.store(true, Ordering::SeqCst);
    }

    /// A commit succeeded.
    pub(crate) fn end(&self) {
        if self.is_there() {
            *self.records.lock().unwrap_or_else(PoisonError::into_inner) = Records::default();
            self.is_there.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_stays_in_doubt_until_a_commit_succeeds() {
        let doubt = Doubt::default();
        assert!(!doubt.is_there() && !doubt.has(1));
        doubt.add([Subject::None]);
        assert!(doubt.is_there() && !doubt.has(1));
        doubt.add([Subject::Record(1), Subject::None]);
        doubt.add([Subject::Record(2)]);
        assert!(doubt.has(1) && doubt.has(2) && !doubt.has(3));
        doubt.end();
        assert!(!doubt.is_there() && !doubt.has(1));
        doubt.add((0..=MOST as u128).map(Subject::Record));
        assert!(doubt.has(u128::MAX), "more than can be told apart");
    }
}
