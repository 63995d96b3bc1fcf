//! A path pattern of the route table.

use super::path::{self, PathFault, canonical};

/// A path with parameters: `/api/v1/chats/{chatId}`, `/files/{*path}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) segments: Vec<Segment>,
    /// Whether one or more segments follow: a last `{*name}`.
    pub(super) has_rest: bool,
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// This text, decoded.
    Literal(String),
    /// Any one segment, under this name.
    Parameter(String),
}

/// Why a path pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// No path in normal form would match it.
    #[error("{0}, which no mapped request has; take it out")]
    NotNormal(PathFault),
    /// A segment that requests may spell in this way, and a table may not.
    #[error("the segment {found:?} is not in canonical form; write {wanted:?}")]
    NotCanonical {
        /// The segment as it was written.
        found: String,
        /// Its canonical form.
        wanted: String,
    },
    /// A brace that is not the first or last character of a segment `{name}` or `{*name}`.
    #[error("the segment {0:?} has a brace within; a parameter is a whole segment such as {{chatId}}")]
    PartialParameter(String),
    /// `:name` or `*`, which other tables take for a parameter.
    #[error(
        "the segment {0:?} is no parameter here; write {{name}} for one segment or {{*name}} for all that follow"
    )]
    OtherParameter(String),
    /// `{}` or `{*}`.
    #[error("a parameter has no name; write one such as {{chatId}}")]
    UnnamedParameter,
    /// Two parameters of one name.
    #[error("the parameter {0:?} stands twice; give each a name of its own")]
    RepeatedParameter(String),
    /// `{*name}` before the last segment.
    #[error("{{*{0}}} stands before the last segment; it takes all that follow, so put it last")]
    RestNotLast(String),
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, PatternFault> {
        let rest = text.strip_prefix('/').ok_or(PatternFault::NotNormal(PathFault::Relative))?;
        let mut pattern = Self { segments: Vec::new(), has_rest: false };
        let mut names: Vec<&str> = Vec::new();
        let mut last: Option<&str> = None;
        for segment in rest.split('/').filter(|_| !rest.is_empty()) {
            if let Some(name) = last {
                return Err(PatternFault::RestNotLast(name.to_owned()));
            }
            let Some(inner) = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) else {
                pattern.segments.push(Segment::Literal(literal(segment)?));
                continue;
            };
            let name = inner.strip_prefix('*').unwrap_or(inner);
            if name.is_empty() {
                return Err(PatternFault::UnnamedParameter);
            }
            if name.contains(['{', '}', '*']) {
                return Err(PatternFault::PartialParameter(segment.to_owned()));
            }
            if names.contains(&name) {
                return Err(PatternFault::RepeatedParameter(name.to_owned()));
            }
            names.push(name);
            if inner.starts_with('*') {
                last = Some(name);
            } else {
                pattern.segments.push(Segment::Parameter(name.to_owned()));
            }
        }
        Ok(Self { has_rest: last.is_some(), ..pattern })
    }

    /// Which segment a parameter of one segment takes, from 0.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.segments.iter().position(|segment| matches!(segment, Segment::Parameter(own) if own == name))
    }

    /// Whether it matches every path that the other one matches.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let (own, others) = (self.segments.len(), other.segments.len());
        // How many more segments the other's shortest path has than this one's fixed part.
        let fits = if self.has_rest {
            others + usize::from(other.has_rest) > own
        } else {
            own == others && !other.has_rest
        };
        fits && self.segments.iter().enumerate().all(|(index, segment)| {
            match (segment, other.segments.get(index)) {
                (Segment::Parameter(_), _) => true,
                (Segment::Literal(text), Some(Segment::Literal(others))) => text == others,
                (Segment::Literal(_), _) => false,
            }
        })
    }
}

/// The text of a segment without parameters, which must be written in the one canonical way.
fn literal(segment: &str) -> Result<String, PatternFault> {
    if segment.contains(['{', '}']) {
        return Err(PatternFault::PartialParameter(segment.to_owned()));
    }
    if segment.starts_with([':', '*']) {
        return Err(PatternFault::OtherParameter(segment.to_owned()));
    }
    // Whoever writes a table may forget to encode; whoever writes a request must not.
    let spelled = if segment.is_ascii() { segment.to_owned() } else { canonical(segment) };
    let text = path::segment(spelled.as_bytes()).map_err(PatternFault::NotNormal)?;
    let text = String::from_utf8_lossy(&text);
    let wanted = canonical(&text);
    if wanted == segment {
        Ok(text.into_owned())
    } else {
        Err(PatternFault::NotCanonical { found: segment.to_owned(), wanted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn a_pattern_is_segments_parameters_and_a_rest() {
        let parsed = pattern("/a/{b}/c%20d/{*e}");
        let literal = |text: &str| Segment::Literal(text.to_owned());
        assert_eq!(parsed.segments, [literal("a"), Segment::Parameter("b".into()), literal("c d")]);
        assert!(parsed.has_rest && parsed.position("b") == Some(1) && parsed.position("e").is_none());
        assert_eq!(pattern("/"), Pattern { segments: vec![], has_rest: false });
        assert_eq!(pattern("/{*all}"), Pattern { segments: vec![], has_rest: true });
    }

    #[test]
    fn what_no_request_or_every_one_could_match_is_refused() {
        use PatternFault::*;
        let normal = |fault| NotNormal(fault);
        for (text, fault) in [
            ("", normal(PathFault::Relative)),
            ("api", normal(PathFault::Relative)),
            ("//", normal(PathFault::EmptySegment)),
            ("/a/", normal(PathFault::EmptySegment)),
            ("/a//b", normal(PathFault::EmptySegment)),
            ("/a/../b", normal(PathFault::DotSegment)),
            ("/a%2fb", normal(PathFault::HiddenSlash)),
            ("/a#b", normal(PathFault::Fragment)),
            ("/a b", normal(PathFault::Control)),
            ("/a%zz", normal(PathFault::Encoding)),
            ("/a?b=c", NotCanonical { found: "a?b=c".into(), wanted: "a%3Fb=c".into() }),
            ("/ch%61ts", NotCanonical { found: "ch%61ts".into(), wanted: "chats".into() }),
            ("/%c3%bc", NotCanonical { found: "%c3%bc".into(), wanted: "%C3%BC".into() }),
            ("/ü", NotCanonical { found: "ü".into(), wanted: "%C3%BC".into() }),
            ("/a{b}", PartialParameter("a{b}".into())),
            ("/{b}a", PartialParameter("{b}a".into())),
            ("/{b", PartialParameter("{b".into())),
            ("/{a}{b}", PartialParameter("{a}{b}".into())),
            ("/{a*}", PartialParameter("{a*}".into())),
            ("/:a", OtherParameter(":a".into())),
            ("/a/*", OtherParameter("*".into())),
            ("/a/**", OtherParameter("**".into())),
            ("/{}", UnnamedParameter),
            ("/{*}", UnnamedParameter),
            ("/{a}/{a}", RepeatedParameter("a".into())),
            ("/{a}/{*a}", RepeatedParameter("a".into())),
            ("/{*a}/b", RestNotLast("a".into())),
            ("/{*a}/", RestNotLast("a".into())),
        ] {
            assert_eq!(Pattern::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_pattern_covers_what_matches_less() {
        for (wide, narrow) in [
            ("/a", "/a"),
            ("/{x}", "/{y}"),
            ("/a/{x}", "/a/b"),
            ("/a/{*x}", "/a/{y}"),
            ("/a/{*x}", "/a/b/{y}/{*z}"),
            ("/{*x}", "/a"),
            ("/{*x}", "/{*y}"),
            ("/{a}/{*x}", "/b/c"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
        for (one, other) in [
            ("/a/b", "/a/{x}"),
            ("/a", "/b"),
            ("/a/{x}", "/a/{*x}"),
            ("/a/{*x}", "/a"),
            ("/{*x}", "/"),
            ("/{a}/{*x}", "/{*x}"),
            ("/a/{x}", "/{x}/b"),
        ] {
            assert!(!pattern(one).covers(&pattern(other)), "{one} {other}");
        }
    }
}
