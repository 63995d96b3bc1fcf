//! The rows of one method by the segments of their patterns.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::pattern::{Pattern, Segment};
use super::text_map::TextMap;

/// Finds the first row that matches without looking at every row.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    literals: TextMap<Tree>,
    /// The literals as lenient programs read them.
    loose_literals: BTreeSet<Vec<u8>>,
    parameter: Option<Box<Tree>>,
    /// The first row whose pattern ends here.
    ends: usize,
    /// The first row whose pattern goes on with one or more segments from here.
    rest: usize,
    /// The first of all rows from here on.
    first: usize,
}

/// Where there is no row: behind all of them.
const NO_ROW: usize = usize::MAX;

impl Tree {
    /// Adds a row; rows come in their order.
    pub(super) fn insert(&mut self, pattern: &Pattern, row: usize) {
        let mut node = self;
        node.first = node.first.min(row);
        for segment in &pattern.segments {
            node = match segment {
                Segment::Literal(text) => {
                    node.loose_literals.insert(loose(text).into_bytes());
                    node.literals.or_default(text)
                }
                Segment::Parameter(_) => node.parameter.get_or_insert_default(),
            };
            node.first = node.first.min(row);
        }
        let end = if pattern.has_rest { &mut node.rest } else { &mut node.ends };
        *end = row.min(*end);
    }

    /// The first row that matches these segments.
    ///
    /// # Errors
    ///
    /// [`NearMiss`], if a segment that some row takes as a parameter could be a literal to another program.
    pub(super) fn find(&self, segments: &[Cow<'_, [u8]>]) -> Result<Option<usize>, NearMiss> {
        let row = self.find_before(segments, NO_ROW)?;
        Ok((row != NO_ROW).then_some(row))
    }

    /// The first that matches, or this one if that is before it. Each node is visited once at most, so a table bounds the work.
    fn find_before(&self, segments: &[Cow<'_, [u8]>], mut first: usize) -> Result<usize, NearMiss> {
        let mut node = self;
        let mut segments = segments.iter();
        while node.first < first {
            let Some(segment) = segments.next() else {
                return Ok(first.min(node.ends));
            };
            let literal = node.literals.get(segment);
            let takes_any = node.parameter.is_some() || node.rest != NO_ROW;
            if literal.is_none() && takes_any && node.could_be_literal(segment) {
                return Err(NearMiss);
            }
            first = first.min(node.rest);
            node = match (literal, node.parameter.as_deref()) {
                (None, None) => break,
                (Some(only), None) | (None, Some(only)) => only,
                (Some(literal), Some(parameter)) => {
                    first = literal.find_before(segments.as_slice(), first)?;
                    parameter
                }
            };
        }
        Ok(first)
    }

    /// Whether some program takes a segment for a literal here: one that does not tell case, cuts off what stands behind a `;` or
    /// the last `.`, or trims spaces and dots.
    #[inline(never)] // Few requests come here: the walk is faster without all this in its midst.
    fn could_be_literal(&self, segment: &[u8]) -> bool {
        if self.loose_literals.is_empty() {
            return false;
        }
        // Nearly all are such, and no program reads anything else in one.
        if segment.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')) {
            return self.loose_literals.contains(segment);
        }
        let segment = loose(&String::from_utf8_lossy(segment));
        let stem = segment.rsplit_once('.').map_or(segment.as_str(), |(stem, _)| stem.trim_end());
        self.loose_literals.contains(segment.as_bytes()) || self.loose_literals.contains(stem.as_bytes())
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            literals: TextMap::default(),
            loose_literals: BTreeSet::new(),
            parameter: None,
            ends: NO_ROW,
            rest: NO_ROW,
            first: NO_ROW,
        }
    }
}

/// A segment that is not a literal of the table, and could be one to the program that the request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NearMiss;

fn loose(text: &str) -> String {
    let text = text.split(';').next().unwrap_or_default();
    text.trim().trim_end_matches(['.', ' ']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn could_be(segment: &str, literal: &str) -> bool {
        let mut tree = Tree::default();
        tree.insert(&Pattern::parse(&format!("/{literal}")).unwrap(), 0);
        tree.could_be_literal(segment.as_bytes())
    }

    #[test]
    fn what_a_lenient_program_takes_for_a_literal_is_near_it() {
        for segment in [
            "ADMIN",
            "admin;x",
            "admin;",
            "Admin.json",
            "admin.",
            "admin ",
            " admin",
            "aDmin.;x=1",
            "admin .xml",
        ] {
            assert!(could_be(segment, "admin"), "{segment:?}");
        }
        for segment in ["admins", "a", "", "admin-2", "json.admin", "administrator.json", "42"] {
            assert!(!could_be(segment, "admin"), "{segment:?}");
        }
        assert!(could_be("V1.0.json", "v1.0"));
    }

    proptest! {
        #[test]
        fn a_plain_segment_is_near_what_reads_like_it(segment in "[ab1_-]{1,3}", literal in "[abAB1_-]{1,3}[.;]?") {
            prop_assert_eq!(could_be(&segment, &literal), loose(&segment) == loose(&literal));
        }
    }
}
