//! The query string of a call, read strictly: nothing in it is ignored.

use std::collections::BTreeMap;
use std::str::FromStr;

use qwetty_keys::Timestamp;
use qwetty_storage::{Order, Page};

use crate::echo::may_echo;

/// Largest page number: the largest whole number that every JSON reader takes exactly (2^53 - 1).
pub(crate) const MAX_PAGE: u64 = 9_007_199_254_740_991;
pub(crate) const MAX_LIMIT: u32 = 100;

/// The parameters of one call. Take what the call knows, then [`finish`](Query::finish): what is left is refused.
pub(crate) struct Query {
    values: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    /// The page, from 1.
    pub(crate) page: u64,
    /// How many items a page holds, 1 to 100.
    pub(crate) limit: u32,
}

/// What is wrong with a query string. It names the parameter and never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// A `%` without two hexadecimal digits after it, or bytes that are not UTF-8.
    #[error("the query parameter {0} is not percent-encoded UTF-8; write a literal % as %25")]
    Encoding(String),
    /// One parameter twice.
    #[error("the query parameter {0} stands more than once; send it once")]
    Repeated(String),
    /// A parameter that the call does not know.
    #[error("the query parameter {0} is unknown; {1}")]
    Unknown(String, String),
    /// A value that the parameter does not take.
    #[error("the query parameter {0} must be {1}")]
    Value(&'static str, String),
}

impl Query {
    /// Splits and decodes a query string as HTML forms write it: `+` is a space, `%XX` a byte of UTF-8.
    ///
    /// # Errors
    /// [`QueryError::Encoding`] and [`QueryError::Repeated`].
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, QueryError> {
        let mut values = BTreeMap::new();
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        for (index, pair) in pairs.enumerate() {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| QueryError::Encoding(format!("number {}", index + 1)))?;
            let value = decode(value).ok_or_else(|| QueryError::Encoding(shown(&name)))?;
            if values.contains_key(&name) {
                return Err(QueryError::Repeated(shown(&name)));
            }
            values.insert(name, value);
        }
        Ok(Self { values, known: Vec::new() })
    }

    /// The decoded value of a parameter that takes any text.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.values.remove(name)
    }

    /// A parameter in the text form of `T`. `allowed` completes the sentence "the query parameter x must be …".
    ///
    /// # Errors
    /// [`QueryError::Value`] if the text is none of a `T`.
    pub(crate) fn parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        allowed: &str,
    ) -> Result<Option<T>, QueryError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| QueryError::Value(name, allowed.to_owned()))
    }

    /// A parameter that is one of a few words, matched exactly.
    ///
    /// # Errors
    /// [`QueryError::Value`], listing the words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&'static str, T)],
    ) -> Result<Option<T>, QueryError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        found.map(Some).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            QueryError::Value(name, format!("one of {}", words.join(", ")))
        })
    }

    /// A parameter that is an RFC 3339 time.
    ///
    /// # Errors
    /// [`QueryError::Value`] for anything else.
    pub(crate) fn time(&mut self, name: &'static str) -> Result<Option<Timestamp>, QueryError> {
        self.parsed(name, "an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z (write + as %2B)")
    }

    /// The parameters `page` (1 if absent) and `limit` (10 if absent).
    ///
    /// # Errors
    /// [`QueryError::Value`] unless both are whole numbers within their bounds.
    pub(crate) fn paging(&mut self) -> Result<Paging, QueryError> {
        let page = self.whole_number("page", MAX_PAGE)?.unwrap_or(1);
        let limit = self.whole_number("limit", u64::from(MAX_LIMIT))?.unwrap_or(10);
        // Bounded by MAX_LIMIT above, so the conversion keeps the number.
        Ok(Paging { page, limit: u32::try_from(limit).unwrap_or(MAX_LIMIT) })
    }

    /// The parameter `order`, `desc` if absent.
    ///
    /// # Errors
    /// [`QueryError::Value`] for anything but `asc` and `desc`.
    pub(crate) fn order(&mut self) -> Result<Order, QueryError> {
        let orders = [("asc", Order::Ascending), ("desc", Order::Descending)];
        self.choice("order", &orders).map(Option::unwrap_or_default)
    }

    fn whole_number(&mut self, name: &'static str, max: u64) -> Result<Option<u64>, QueryError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        // `u64::from_str` takes a leading `+`.
        let number = if text.starts_with('+') { None } else { text.parse().ok() };
        match number {
            Some(number) if (1..=max).contains(&number) => Ok(Some(number)),
            _ => Err(QueryError::Value(name, format!("a whole number from 1 to {max}"))),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`QueryError::Unknown`] if a parameter is left that nothing took.
    pub(crate) fn finish(self) -> Result<(), QueryError> {
        let Some(name) = self.values.keys().next() else { return Ok(()) };
        let known = match self.known.as_slice() {
            [] => "this call takes none".to_owned(),
            known => format!("this call takes {}", known.join(", ")),
        };
        Err(QueryError::Unknown(shown(name), known))
    }
}

impl Paging {
    /// The same part as a store counts it.
    pub(crate) fn page_of_store(self) -> Page {
        let offset = self.page.saturating_sub(1).saturating_mul(u64::from(self.limit));
        Page { offset, limit: self.limit }
    }
}

/// A client's own name for a parameter, in so far as an error may repeat it.
fn shown(name: &str) -> String {
    if may_echo(name) { name.to_owned() } else { "(name not shown)".to_owned() }
}

/// Decodes strictly, where the crates for it let a lone `%` and broken UTF-8 through.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn query(text: &str) -> Query {
        Query::parse(Some(text)).unwrap()
    }

    fn refusal(text: &str) -> QueryError {
        Query::parse(Some(text)).err().unwrap()
    }

    #[test]
    fn absent_and_empty_queries_are_the_same() {
        for text in [None, Some(""), Some("&"), Some("&&")] {
            let mut query = Query::parse(text).unwrap();
            assert_eq!(query.paging(), Ok(Paging { page: 1, limit: 10 }));
            assert_eq!(query.finish(), Ok(()));
        }
    }

    #[test]
    fn values_are_decoded() {
        for (text, value) in [
            ("q=a+b%20c", "a b c"),
            ("q=%C3%A9", "é"),
            ("q=%2B%25%26", "+%&"),
            ("q=a=b", "a=b"),
            ("q", ""),
            ("%71=x", "x"),
        ] {
            assert_eq!(query(text).text("q").as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn malformed_encoding_is_refused_naming_the_parameter() {
        for value in ["%", "%4", "%zz", "%+1", "%-1", "%ff", "%C3%28", "%ED%A0%80"] {
            assert_eq!(
                refusal(&format!("a=1&search={value}")),
                QueryError::Encoding("search".into()),
                "{value}"
            );
        }
        assert_eq!(refusal("a=1&%=1"), QueryError::Encoding("number 2".into()));
    }

    #[test]
    fn a_repeated_parameter_is_refused_however_it_is_spelt() {
        for text in ["page=1&page=1", "page=1&p%61ge=2", "page&page"] {
            assert_eq!(refusal(text), QueryError::Repeated("page".into()), "{text}");
        }
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_the_known_ones() {
        let mut query = query("pgae=2&limit=5");
        assert_eq!(query.paging().unwrap().limit, 5);
        let error = query.finish().unwrap_err();
        assert_eq!(error.to_string(), "the query parameter pgae is unknown; this call takes page, limit");
        let error = super::Query::parse(Some("a=1")).unwrap().finish().unwrap_err();
        assert_eq!(error.to_string(), "the query parameter a is unknown; this call takes none");
        for text in ["Page=1", "=1", "page%00=1"] {
            let mut query = Query::parse(Some(text)).unwrap();
            query.paging().unwrap();
            assert!(query.finish().is_err(), "{text}");
        }
    }

    #[test]
    fn page_and_limit_keep_their_bounds() {
        let paging = |text: &str| query(text).paging().ok().map(|paging| (paging.page, paging.limit));
        assert_eq!(paging("page=7&limit=100"), Some((7, 100)));
        assert_eq!(paging("page=9007199254740991"), Some((9_007_199_254_740_991, 10)));
        assert_eq!(paging("limit=1"), Some((1, 1)));
        for value in [
            "",
            "0",
            "-1",
            "%2B1",
            "+1",
            "1.0",
            "1e3",
            "0x1",
            "abc",
            "9007199254740992",
            "99999999999999999999",
            "%D9%A1",
        ] {
            assert_eq!(paging(&format!("page={value}")), None, "page={value}");
            assert_eq!(paging(&format!("limit={value}")), None, "limit={value}");
        }
        assert_eq!(
            query("limit=101").paging().unwrap_err().to_string(),
            "the query parameter limit must be a whole number from 1 to 100"
        );
    }

    #[test]
    fn a_store_counts_what_stands_before_the_page() {
        let offset = |page, limit| Paging { page, limit }.page_of_store().offset;
        assert_eq!((offset(1, 10), offset(3, 25)), (0, 50));
        assert_eq!(Paging { page: 3, limit: 25 }.page_of_store().limit, 25);
        assert!(i64::try_from(offset(MAX_PAGE, MAX_LIMIT)).is_ok());
    }

    #[test]
    fn a_choice_matches_exactly_and_lists_the_words() {
        let order = |text: &str| query(text).order();
        assert_eq!(order("order=asc"), Ok(Order::Ascending));
        assert_eq!(order("order=desc"), Ok(Order::Descending));
        assert_eq!(order(""), Ok(Order::Descending));
        for value in ["", "DESC", "desc+", "secret"] {
            let error = order(&format!("order={value}")).unwrap_err();
            assert_eq!(error.to_string(), "the query parameter order must be one of asc, desc");
        }
    }

    #[test]
    fn a_parsed_value_is_refused_without_being_repeated() {
        assert_eq!(query("ip=1.2.3.4").parsed("ip", "an address"), Ok(Some(Ipv4Addr::new(1, 2, 3, 4))));
        assert_eq!(query("").parsed::<Ipv4Addr>("ip", "an address"), Ok(None));
        let error = query("ip=secret").parsed::<Ipv4Addr>("ip", "an address").unwrap_err();
        assert_eq!(error.to_string(), "the query parameter ip must be an address");
    }

    #[test]
    fn a_time_is_rfc_3339_and_its_plus_is_encoded() {
        let noon = Timestamp::from_unix_micros(43_200_000_000);
        for text in ["1970-01-01T12:00:00Z", "1970-01-01T14:00:00%2B02:00"] {
            assert_eq!(query(&format!("from={text}")).time("from"), Ok(Some(noon)), "{text}");
        }
        for text in ["", "1970-01-01", "1970-01-01T12:00:00", "43200", "1970-01-01T14:00:00+02:00"] {
            let error = query(&format!("from={text}")).time("from").unwrap_err();
            assert!(error.to_string().contains("parameter from must be an RFC 3339 time"), "{error}");
        }
    }

    #[test]
    fn a_name_that_may_be_a_secret_is_not_repeated() {
        let name = format!("qwt_{}", "0".repeat(49));
        for error in [
            query(&name).finish().unwrap_err(),
            refusal(&format!("{name}=%")),
            refusal(&format!("{name}&{name}")),
        ] {
            assert!(!error.to_string().contains("qwt_"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_a_panic(text in "[%&=+a-f0-9é ]{0,60}") {
            if let Ok(mut query) = Query::parse(Some(&text)) {
                let _ = query.paging();
                let _ = query.finish();
            }
        }

        #[test]
        fn what_a_form_writes_is_read(value in any::<String>(), other in any::<String>()) {
            let text: String =
                form_urlencoded::Serializer::new(String::new()).append_pair("q", &value).append_pair("r", &other).finish();
            let mut query = Query::parse(Some(&text)).unwrap();
            prop_assert_eq!(query.text("q"), Some(value));
            prop_assert_eq!(query.text("r"), Some(other));
            prop_assert_eq!(query.finish(), Ok(()));
        }
    }
}
