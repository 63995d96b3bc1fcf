//! The rows of one method by the segments of their patterns.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::pattern::{Pattern, Segment};

/// Finds the first row that matches without looking at every row.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    literals: BTreeMap<String, Tree>,
    parameter: Option<Box<Tree>>,
    /// The first row whose pattern ends here.
    ends: Option<usize>,
    /// The first row whose pattern goes on with one or more segments from here.
    rest: Option<usize>,
    /// The first of all rows from here on.
    first: Option<usize>,
}

impl Tree {
    /// Adds a row; rows come in their order.
    pub(super) fn insert(&mut self, pattern: &Pattern, row: usize) {
        let mut node = self;
        node.first.get_or_insert(row);
        for segment in &pattern.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Parameter(_) => node.parameter.get_or_insert_default(),
            };
            node.first.get_or_insert(row);
        }
        let end = if pattern.has_rest { &mut node.rest } else { &mut node.ends };
        end.get_or_insert(row);
    }

    /// The first row that matches these segments.
    pub(super) fn find(&self, segments: &[Cow<'_, str>]) -> Option<usize> {
        self.find_before(segments, usize::MAX)
    }

    /// The first that is also before this one. Each node is visited once at most, so a table bounds the work.
    fn find_before(&self, segments: &[Cow<'_, str>], before: usize) -> Option<usize> {
        self.first.filter(|first| *first < before)?;
        let Some((segment, others)) = segments.split_first() else {
            return self.ends.filter(|row| *row < before);
        };
        let mut found = self.rest.filter(|row| *row < before);
        for next in [self.literals.get(segment.as_ref()), self.parameter.as_deref()].into_iter().flatten() {
            found = next.find_before(others, found.unwrap_or(before)).or(found);
        }
        found
    }
}
