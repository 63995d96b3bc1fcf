//! A request's path in normal form: the one way in which gateway, decision and API all read it.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use smallvec::SmallVec;

use crate::byte_set::ByteSet;

/// The segments of a path, each percent-decoded once, in UTF-8. The path `/` has none.
pub(super) type Segments<'a> = SmallVec<[Cow<'a, [u8]>; 12]>;

/// What stands in a segment of canonical form as itself: `pchar` of RFC 3986, section 3.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// What stands for itself wherever it stands in a request's segment, but for a `.` that begins it: all visible characters of
/// ASCII without `/`, `?`, `#`, `%`, `;` and `\`.
static PLAIN: ByteSet = ByteSet::alphanumeric_and(b"-._~!$&'()*+,=:@\"<>[]^`{|}");

/// Why a path is not in normal form. Two programs could read such a path as two different ones, so it is never mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// It does not begin with `/`.
    #[error("the path does not begin with a slash")]
    Relative,
    /// Two slashes in a row, or one at the end.
    #[error("the path has an empty segment: a doubled slash, or one at its end")]
    EmptySegment,
    /// A segment `.` or `..`, however it is spelled and whatever follows it behind a `;`.
    #[error("the path has a dot segment")]
    DotSegment,
    /// A percent-encoded `/`, or a `\` in any spelling.
    #[error("the path has an encoded slash or a backslash")]
    HiddenSlash,
    /// A control character in any spelling, or a space that is not encoded.
    #[error("the path has a control character or a space")]
    Control,
    /// A `#`.
    #[error("the target has a fragment")]
    Fragment,
    /// A byte beyond ASCII that is not percent-encoded.
    #[error("the path has a byte beyond ASCII that is not percent-encoded")]
    NotAscii,
    /// A `%` without two hexadecimal digits, or encoded bytes that are not UTF-8.
    #[error("the path is not percent-encoded UTF-8")]
    Encoding,
}

/// Takes the segments of the path that a target begins with, if it is in normal form, and gives what stands behind its `?`.
/// What needs no decoding is borrowed. They are put where the caller wants them, for they take much room to hand around.
///
/// # Errors
///
/// [`PathFault::Fragment`] if the target has a `#` anywhere, else the first fault of the path.
pub(super) fn split<'a>(target: &'a [u8], segments: &mut Segments<'a>) -> Result<&'a [u8], PathFault> {
    let has_fragment = |text: &[u8]| text.contains(&b'#');
    match path_segments(target, segments) {
        Ok(query) if !has_fragment(query) => Ok(query),
        Err(fault) if !has_fragment(target) => Err(fault),
        _ => Err(PathFault::Fragment),
    }
}

/// The one spelling of a segment that is in canonical form.
pub(super) fn canonical(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

fn path_segments<'a>(target: &'a [u8], segments: &mut Segments<'a>) -> Result<&'a [u8], PathFault> {
    match target {
        [b'/'] => return Ok(&[]),
        [b'/', b'?', query @ ..] => return Ok(query),
        [b'/', ..] => {}
        _ => return Err(PathFault::Relative),
    }
    let mut rest = target;
    while let Some(text) = rest.strip_prefix(b"/") {
        let (segment, after) = first_segment(text)?;
        segments.push(segment);
        rest = after;
    }
    Ok(rest.strip_prefix(b"?").unwrap_or(rest))
}

/// The segment that a text begins with, and what follows it.
fn first_segment(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), PathFault> {
    let until = |is_end: fn(u8) -> bool| text.iter().position(|byte| is_end(*byte)).unwrap_or(text.len());
    let (plain, rest) = text.split_at(until(|byte| !PLAIN.contains(byte)));
    // Nearly all are such, and there is nothing more to see in one.
    if matches!(rest, [] | [b'/' | b'?', ..]) && matches!(plain, [first, ..] if *first != b'.') {
        return Ok((Cow::Borrowed(plain), rest));
    }
    let (raw, rest) = text.split_at(until(|byte| matches!(byte, b'/' | b'?')));
    Ok((segment(raw)?, rest))
}

/// A segment, decoded, from as it stands in a path.
pub(super) fn segment(raw: &[u8]) -> Result<Cow<'_, [u8]>, PathFault> {
    let mut is_encoded = false;
    for byte in raw {
        match byte {
            b'%' => is_encoded = true,
            b'\\' => return Err(PathFault::HiddenSlash),
            b'#' => return Err(PathFault::Fragment),
            byte if byte.is_ascii_graphic() => {}
            byte if byte.is_ascii() => return Err(PathFault::Control),
            _ => return Err(PathFault::NotAscii),
        }
    }
    let text = if is_encoded { Cow::Owned(decoded(raw)?) } else { Cow::Borrowed(raw) };
    // Some servers cut a segment's parameters off before they look at the segment itself.
    match text.split(|byte| *byte == b';').next() {
        None | Some(b"") => Err(PathFault::EmptySegment),
        Some(b"." | b"..") => Err(PathFault::DotSegment),
        Some(_) => Ok(text),
    }
}

fn decoded(raw: &[u8]) -> Result<Vec<u8>, PathFault> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next())? << 4 | hex_digit(rest.next())?,
            byte => *byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| PathFault::Encoding)?;
    if text.contains(['/', '\\']) {
        return Err(PathFault::HiddenSlash);
    }
    // Those beyond ASCII, too.
    if text.contains(char::is_control) {
        return Err(PathFault::Control);
    }
    Ok(text.into_bytes())
}

fn hex_digit(byte: Option<&u8>) -> Result<u8, PathFault> {
    let digit = byte.and_then(|byte| char::from(*byte).to_digit(16));
    digit.and_then(|digit| u8::try_from(digit).ok()).ok_or(PathFault::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(path: &[u8]) -> Result<Vec<String>, PathFault> {
        let mut segments = Segments::new();
        split(path, &mut segments)?;
        Ok(segments.iter().map(|segment| String::from_utf8(segment.to_vec()).unwrap()).collect())
    }

    #[test]
    fn segments_are_decoded_once() {
        for (path, wanted) in [
            ("/", &[][..]),
            ("/api/v1/chats", &["api", "v1", "chats"]),
            ("/api/v1/ch%61ts", &["api", "v1", "chats"]),
            ("/a%40b/%7E%7e", &["a@b", "~~"]),
            ("/%252e%252e", &["%2e%2e"]),
            ("/%C3%BC/%E2%82%AC", &["ü", "€"]),
            ("/a%20b%23%3F", &["a b#?"]),
            ("/.../..a/a..", &["...", "..a", "a.."]),
            ("/a;b=1/{x}|^", &["a;b=1", "{x}|^"]),
        ] {
            assert_eq!(told(path.as_bytes()).unwrap(), wanted, "{path}");
        }
    }

    #[test]
    fn what_two_programs_could_read_in_two_ways_is_refused() {
        use PathFault::*;
        for (fault, paths) in [
            (Relative, &["", "a", "*", "http://host/a", "?a", "%2fa"][..]),
            (EmptySegment, &["//", "//a", "/a/", "/a//b", "/a/;", "/a/;x=1/b", "/a/%3Bx"]),
            (
                DotSegment,
                &["/.", "/..", "/a/../b", "/%2e", "/.%2E", "/a/%2e%2e", "/..;x", "/a/.;/b", "/..%3bx"],
            ),
            (HiddenSlash, &["/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a\\b", "/..\\a", "/%2f"]),
            (Control, &["/a\0", "/a%00", "/a%1f", "/a%7F", "/a\x7f", "/a\t", "/a%0d%0a", "/a b", "/a%C2%85"]),
            (Fragment, &["/a#", "/#a"]),
            (NotAscii, &["/ü", "/a\u{2f}\u{ff0f}"]),
            (Encoding, &["/%", "/a%4", "/a%zz", "/a%+1", "/%c0%af", "/%ff", "/%ED%A0%80", "/%u0041"]),
        ] {
            for path in paths {
                assert_eq!(told(path.as_bytes()), Err(fault), "{path:?}");
            }
        }
        assert_eq!(told(b"/a\xff"), Err(NotAscii));
    }

    #[test]
    fn an_ordinary_path_is_borrowed() {
        let mut found = Segments::new();
        split(b"/api/v1/chats/5/messages", &mut found).unwrap();
        assert!(!found.spilled() && found.iter().all(|segment| matches!(segment, Cow::Borrowed(_))));
    }

    #[test]
    fn canonical_form_encodes_what_it_must() {
        for (segment, wanted) in
            [("chats", "chats"), ("a@b", "a@b"), ("a b", "a%20b"), ("50%", "50%25"), ("ü", "%C3%BC")]
        {
            assert_eq!(canonical(segment), wanted);
        }
    }

    /// The same, with a close look at every segment.
    fn looked_at_closely(target: &[u8]) -> Result<Vec<String>, PathFault> {
        if target.contains(&b'#') {
            return Err(PathFault::Fragment);
        }
        let path = target.split(|byte| *byte == b'?').next().unwrap();
        let rest = path.strip_prefix(b"/").ok_or(PathFault::Relative)?;
        let raw = rest.split(|byte| *byte == b'/').filter(|_| !rest.is_empty());
        raw.map(|raw| Ok(String::from_utf8(segment(raw)?.into_owned()).unwrap())).collect()
    }

    #[test]
    fn the_query_is_what_stands_behind_the_first_question_mark() {
        for (target, query) in [
            ("/", ""),
            ("/?", ""),
            ("/?a/b", "a/b"),
            ("/a", ""),
            ("/a?", ""),
            ("/a?b?c=/../%zz", "b?c=/../%zz"),
        ] {
            let found = split(target.as_bytes(), &mut Segments::new());
            assert_eq!(found, Ok(query.as_bytes()), "{target}");
        }
        for target in ["/a?b#c", "//?#", "#", "?#"] {
            assert_eq!(told(target.as_bytes()), Err(PathFault::Fragment), "{target}");
        }
    }

    proptest! {
        #[test]
        fn the_short_look_at_a_segment_sees_what_the_close_one_sees(
            target in r"(/|/|[a-z.;?#%\\]|%[0-9a-fA-F]{2}|[ -~]|.){0,12}",
        ) {
            for target in [format!("/{target}"), target] {
                let target = target.as_bytes();
                prop_assert_eq!(told(target), looked_at_closely(target));
            }
        }

        #[test]
        fn what_is_accepted_has_one_meaning(
            path in r"(/|%2[efEF35]|%[0-9a-fA-F]{2}|%C3%BC|[a-z.;@%]|[ ->@-~]){0,16}",
        ) {
            let path = format!("/{path}");
            if let Ok(found) = told(path.as_bytes()) {
                let spelled: String = found.iter().map(|segment| format!("/{}", canonical(segment))).collect();
                let spelled = if spelled.is_empty() { "/".to_owned() } else { spelled };
                prop_assert_eq!(told(spelled.as_bytes()), Ok(found.clone()), "{}", spelled);
                for segment in &found {
                    prop_assert!(!segment.is_empty() && segment != "." && segment != "..");
                    prop_assert!(!segment.contains(['/', '\\']) && !segment.contains(char::is_control));
                }
                prop_assert_eq!(path.matches('/').count(), found.len().max(1));
            }
        }

        #[test]
        fn any_bytes_are_judged_without_a_panic(path in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = told(&path);
            let _ = told(&[&b"/"[..], &path].concat());
        }
    }
}
