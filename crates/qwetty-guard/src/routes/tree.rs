//! The rows of one method by the segments of their patterns.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::pattern::{Pattern, Segment};

/// Finds the first row that matches without looking at every row.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    literals: BTreeMap<String, Tree>,
    /// The literals as lenient programs read them.
    loose_literals: BTreeSet<String>,
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
                Segment::Literal(text) => {
                    node.loose_literals.insert(loose(text));
                    node.literals.entry(text.clone()).or_default()
                }
                Segment::Parameter(_) => node.parameter.get_or_insert_default(),
            };
            node.first.get_or_insert(row);
        }
        let end = if pattern.has_rest { &mut node.rest } else { &mut node.ends };
        end.get_or_insert(row);
    }

    /// The first row that matches these segments.
    ///
    /// # Errors
    ///
    /// [`NearMiss`], if a segment that some row takes as a parameter could be a literal to another program.
    pub(super) fn find(&self, segments: &[Cow<'_, str>]) -> Result<Option<usize>, NearMiss> {
        self.find_before(segments, usize::MAX)
    }

    /// The first that is also before this one. Each node is visited once at most, so a table bounds the work.
    fn find_before(&self, segments: &[Cow<'_, str>], before: usize) -> Result<Option<usize>, NearMiss> {
        if self.first.is_none_or(|first| first >= before) {
            return Ok(None);
        }
        let Some((segment, others)) = segments.split_first() else {
            return Ok(self.ends.filter(|row| *row < before));
        };
        let literal = self.literals.get(segment.as_ref());
        let takes_any = self.parameter.is_some() || self.rest.is_some();
        if literal.is_none() && takes_any && self.could_be_literal(segment) {
            return Err(NearMiss);
        }
        let mut found = self.rest.filter(|row| *row < before);
        for next in [literal, self.parameter.as_deref()].into_iter().flatten() {
            found = next.find_before(others, found.unwrap_or(before))?.or(found);
        }
        Ok(found)
    }

    /// Whether some program takes a segment for a literal here: one that does not tell case, cuts off what stands behind a `;` or
    /// the last `.`, or trims spaces and dots.
    fn could_be_literal(&self, segment: &str) -> bool {
        if self.loose_literals.is_empty() {
            return false;
        }
        let segment = loose(segment);
        let stem = segment.rsplit_once('.').map_or(segment.as_str(), |(stem, _)| stem.trim_end());
        self.loose_literals.contains(segment.as_str()) || self.loose_literals.contains(stem)
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
    use super::*;

    fn could_be(segment: &str, literal: &str) -> bool {
        let mut tree = Tree::default();
        tree.insert(&Pattern::parse(&format!("/{literal}")).unwrap(), 0);
        tree.could_be_literal(segment)
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
}
