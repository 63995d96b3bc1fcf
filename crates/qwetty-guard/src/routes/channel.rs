//! Where a request says which channel it is about.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::HeaderName;

use crate::byte_set::ByteSet;

/// Where the channel of a request stands.
///
/// A request that says nothing there is tied to no channel and passes every scope; the service filters its answer by
/// the key's scope. One that says something which is no channel's id (an empty value, bytes that are no text, several
/// different values, a parameter or value that another program could read otherwise) is for a channel that no scope has: it passes for a key for every channel alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ChannelSource {
    /// Nowhere: no request of the row is tied to a channel.
    #[default]
    None,
    /// In the parameter of the path that has this name, percent-decoded.
    Path(String),
    /// In the query parameter of this name. Names and values are read as HTML forms write them (`+` is a space, `%XX` a
    /// byte of UTF-8) and compared exactly. Equal values may be repeated. Names that some programs would take for this one
    /// (`channelid`, `channelId[]`), and parameters behind a `;`, are no single channel.
    Query(String),
    /// In the header of this name. Equal values may be repeated.
    Header(String),
}

/// The id of no channel: ids have one character at least.
const NO_CHANNEL: Cow<'static, str> = Cow::Borrowed("");

/// The channel in a segment of a path.
pub(super) fn in_segment(segment: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    Some(match segment {
        Cow::Borrowed(segment) => String::from_utf8_lossy(segment),
        Cow::Owned(segment) => String::from_utf8(segment).map_or(NO_CHANNEL, Cow::Owned),
    })
}

/// The channel in a query string.
pub(super) fn in_query<'a>(query: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    if query.is_empty() {
        return None;
    }
    let channel = the_one(query.split(|byte| *byte == b'&'), name);
    // Some programs part parameters at `;` as well. What they would read otherwise is no one channel.
    if query.contains(&b';') {
        let parts = query.split(|byte| matches!(byte, b'&' | b';'));
        if the_one(parts, name) != channel {
            return Some(NO_CHANNEL);
        }
    }
    channel
}

/// The value of all parameters of this name. Text that is broken comes out with characters that no id has.
fn the_one<'a>(parameters: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<Cow<'a, str>> {
    let mut channel: Option<Cow<'a, str>> = None;
    for parameter in parameters.filter(|parameter| !is_plainly_another(parameter, name)) {
        let Some((own, value)) = decoded(parameter) else { continue };
        let is_own = own == name;
        if !is_own && !could_be(&own, name) {
            continue;
        }
        if !is_own || channel.as_ref().is_some_and(|first| *first != value) {
            return Some(NO_CHANNEL);
        }
        channel = Some(value);
    }
    channel
}

/// What no program reads as anything else in the name of a parameter.
static PLAIN: ByteSet = ByteSet::alphanumeric_and(b"-_.");

/// Whether a parameter need not be decoded to see that no program takes it for the one of this name. Most need not.
fn is_plainly_another(parameter: &[u8], name: &str) -> bool {
    let end = parameter.iter().position(|byte| !PLAIN.contains(*byte)).unwrap_or(parameter.len());
    let (own, rest) = parameter.split_at(end);
    matches!(rest, [] | [b'=', ..]) && !own.eq_ignore_ascii_case(name.as_bytes())
}

/// The name and value of a parameter, unless it is empty.
fn decoded(parameter: &[u8]) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    // Ids and their like stand there as they are.
    if parameter.iter().all(|byte| *byte == b'=' || PLAIN.contains(*byte))
        && let Some((name, value)) = std::str::from_utf8(parameter).ok()?.split_once('=')
    {
        return Some((Cow::Borrowed(name), Cow::Borrowed(value)));
    }
    form_urlencoded::parse(parameter).next()
}

/// Whether some program takes a parameter for the one of this name: one that does not tell case, trims what is no letter, or
/// reads `name[]` as a list.
fn could_be(own: &str, name: &str) -> bool {
    let bare = own.split(['[', '\0']).next().unwrap_or_default().trim();
    bare.len() == name.len() && bare.eq_ignore_ascii_case(name)
}

/// The channel in a header.
pub(super) fn in_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.any(|value| value != first) {
        return Some(NO_CHANNEL);
    }
    Some(first.to_str().map_or(NO_CHANNEL, Cow::Borrowed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;
    use qwetty_authz::ChannelId;

    fn query(text: &[u8]) -> Option<String> {
        in_query(text, "channelId").map(Cow::into_owned)
    }

    fn header(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-channel", HeaderValue::from_bytes(value).unwrap());
        }
        in_header(&headers, &HeaderName::from_static("x-channel")).map(Cow::into_owned)
    }

    #[test]
    fn a_query_names_its_channel_as_forms_do() {
        for (text, channel) in [
            ("", None),
            ("page=1&channel=a&channelIds=b&xchannelId=c&x=channelId", None),
            ("channelId=wa-1", Some("wa-1")),
            ("page=1&channelId=wa-1&limit=5", Some("wa-1")),
            ("channel%49d=wa%2D1", Some("wa-1")),
            ("channelId=a+b", Some("a b")),
            ("channelId", Some("")),
            ("channelId=", Some("")),
            ("channelId=wa-1&channelId=wa%2d1", Some("wa-1")),
            ("&&channelId=wa-1&", Some("wa-1")),
            ("sort=a;b&channelId=wa-1", Some("wa-1")),
        ] {
            assert_eq!(query(text.as_bytes()).as_deref(), channel, "{text}");
        }
    }

    #[test]
    fn what_is_no_one_channel_is_in_no_scope() {
        let queries: [&[u8]; 16] = [
            b"channelId=wa-1&channelId=wa-2",
            b"channelId=wa-1&channelId",
            b"channelId=wa-1&channel%49d=wa-2",
            b"channelId=wa-1&channelId=wa-1&channelId=wa-2",
            b"channelId=%ff",
            b"channelId=wa%",
            b"channelId=\xff\xff",
            b"page=1;channelId=wa-1",
            b"channelId=wa-1&page=1;channelId=wa-2",
            b"channelId=wa-1;page=1",
            b"channelid=wa-1",
            b"channelId[]=wa-1",
            b"channelId%5B0%5D=wa-1",
            b"channelId=wa-1&channelId[]=wa-1",
            b"channelId%00=wa-1",
            b"+channelId=wa-1",
        ];
        for text in queries {
            assert!(query(text).unwrap().parse::<ChannelId>().is_err(), "{text:?}");
        }
        for values in [&[&b"wa-1"[..], b"wa-2"][..], &[b"wa-1", b""], &[b"\xff"], &[b""]] {
            assert!(header(values).unwrap().parse::<ChannelId>().is_err(), "{values:?}");
        }
    }

    #[test]
    fn a_header_names_its_channel() {
        assert_eq!(header(&[]), None);
        assert_eq!(header(&[b"wa-1"]).as_deref(), Some("wa-1"));
    }

    /// The values of all parameters that some program takes for the one of this name, each with whether it is by its name.
    fn candidates(query: &[u8], name: &str) -> Vec<(bool, String)> {
        let decoded = form_urlencoded::parse(query).filter(|(own, _)| own == name || could_be(own, name));
        decoded.map(|(own, value)| (own == name, value.into_owned())).collect()
    }

    proptest! {
        #[test]
        fn no_parameter_is_passed_over_that_could_be_the_channels(
            query in r"(&|=|id|Id|iD|%69d|i%64|[\[\]+. -]|%(00|20|5b|ff)|[ -:<-~]){0,12}",
        ) {
            let candidates = candidates(query.as_bytes(), "id");
            let expected = match candidates.as_slice() {
                [] => None,
                [first @ (true, value), others @ ..] if others.iter().all(|other| other == first) => {
                    Some(value.as_str())
                }
                _ => Some(""),
            };
            let channel = in_query(query.as_bytes(), "id");
            prop_assert_eq!(channel.as_deref(), expected);
        }
    }
}
