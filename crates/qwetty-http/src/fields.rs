//! Reading a JSON object field by field, and telling every fault at once.
//!
//! A *presence* rule (`required`, `optional`, `nullable`) says whether a field may be missing or null; a *reader*
//! ([`text`], [`string`], [`whole_number`], [`list`]) says what its value must be.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

use qwetty_guard::Faults;
use serde_json::Number;

use crate::echo::may_echo;
use crate::json::Json;

/// Most items of a list that are read, and most unknown fields that are named: a bound on the size of the answer,
/// well above every limit of the contract.
pub(crate) const MAX_ITEMS: usize = 1_000;
const MAX_UNKNOWN: usize = 20;

/// Where a fault goes that belongs to no field.
const BODY: &str = "body";

/// The fields of one body. Read what the call knows, then [`finish`](Fields::finish).
pub(crate) struct Fields {
    members: Vec<(String, Json)>,
    /// Whether the body was an object; if it was not, the absence of its fields is no further fault.
    is_object: bool,
    known: Vec<&'static str>,
    faults: Faults,
}

/// A field that a client may leave out, set to null or set to a value, each meaning something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field<T> {
    /// Not in the body. In an update: unchanged.
    Absent,
    /// `null`. In an update: cleared.
    Null,
    /// A value.
    Value(T),
}

/// The place in a body that a reader reads, and where its faults go.
pub(crate) struct Place<'a> {
    field: &'a str,
    /// The place within the field, if the field is a list.
    index: Option<usize>,
    faults: &'a mut Faults,
}

impl Fields {
    /// The fields of a parsed body, which must be an object. `None`, a body that is absent, has no fields.
    pub(crate) fn new(body: Option<Json>) -> Self {
        let mut faults = Faults::default();
        let (members, is_object) = match body {
            None => (Vec::new(), true),
            Some(Json::Object(members)) => (members, true),
            Some(other) => {
                faults.add(BODY, format!("must be an object, not {}", other.kind()));
                (Vec::new(), false)
            }
        };
        Self { members, is_object, known: Vec::with_capacity(8), faults }
    }

    /// A field that must be there and not null.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Json, &mut Place<'_>) -> Option<T>,
    ) -> Option<T> {
        match self.take(name) {
            Some(json) => self.read(name, json, read),
            None if self.is_object => {
                self.faults.add(name, "is required");
                None
            }
            None => None,
        }
    }

    /// A field that may be absent, but not null.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Json, &mut Place<'_>) -> Option<T>,
    ) -> Option<T> {
        let json = self.take(name)?;
        self.read(name, json, read)
    }

    /// A field that may be absent or null. A faulty one is `Absent`; [`finish`](Fields::finish) fails then anyway.
    pub(crate) fn nullable<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Json, &mut Place<'_>) -> Option<T>,
    ) -> Field<T> {
        match self.take(name) {
            None => Field::Absent,
            Some(Json::Null) => Field::Null,
            Some(json) => self.read(name, json, read).map_or(Field::Absent, Field::Value),
        }
    }

    /// Adds a fault that shows only when fields are seen together, or with what the server knows.
    pub(crate) fn fault(&mut self, path: impl Into<String>, message: impl Display) {
        self.faults.add(path, message.to_string());
    }

    /// Ends the reading: the value that `build` makes of the fields.
    ///
    /// `build` gives `None` only where a field it needs was faulty.
    ///
    /// # Errors
    /// Every fault that was met, the fields that nothing read included.
    pub(crate) fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Faults> {
        self.refuse_unknown();
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        build().ok_or_else(|| {
            // A caller's mistake. It must not pass for a body without faults.
            self.faults.add(BODY, "could not be read");
            self.faults
        })
    }

    fn take(&mut self, name: &'static str) -> Option<Json> {
        self.known.push(name);
        let index = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(index).1)
    }

    fn read<T>(
        &mut self,
        name: &str,
        json: Json,
        read: impl FnOnce(Json, &mut Place<'_>) -> Option<T>,
    ) -> Option<T> {
        read(json, &mut Place { field: name, index: None, faults: &mut self.faults })
    }

    fn refuse_unknown(&mut self) {
        if self.members.is_empty() {
            return;
        }
        let message = match self.known.as_slice() {
            [] => "is unknown; this call takes no fields".to_owned(),
            known => format!("is unknown; this call takes {}", known.join(", ")),
        };
        let (named, unnamed): (Vec<_>, Vec<_>) =
            self.members.iter().map(|(name, _)| name).partition(|name| may_echo(name));
        for name in named.iter().take(MAX_UNKNOWN) {
            self.faults.add(name.as_str(), message.as_str());
        }
        let more = named.len().saturating_sub(MAX_UNKNOWN) + unnamed.len();
        if more > 0 {
            self.faults.add(BODY, format!("has unknown fields that are not named here: {more}"));
        }
    }
}

impl<T> Field<T> {
    /// The value, where absent and null mean the same.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// `None` for unchanged, `Some(None)` for cleared, `Some(Some(value))` for set.
    pub(crate) fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

impl Place<'_> {
    /// Adds what is wrong here.
    pub(crate) fn fault(&mut self, message: impl fmt::Display) {
        let path = match self.index {
            None => self.field.to_owned(),
            Some(index) => format!("{}[{index}]", self.field),
        };
        self.faults.add(path, message.to_string());
    }

    fn wrong_kind(&mut self, wanted: &str, json: &Json) {
        self.fault(format_args!("must be {wanted}, not {}", json.kind()));
    }
}

/// Reads a string as it is.
pub(crate) fn string(json: Json, place: &mut Place<'_>) -> Option<String> {
    match json {
        Json::String(text) => Some(text),
        other => {
            place.wrong_kind("a string", &other);
            None
        }
    }
}

/// Reads a string in the text form of `T`; the error of `T` is the message.
pub(crate) fn text<T>(json: Json, place: &mut Place<'_>) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    string(json, place)?.parse().map_err(|error| place.fault(error)).ok()
}

/// Reads a whole number within `range`.
pub(crate) fn whole_number(range: RangeInclusive<u64>) -> impl FnOnce(Json, &mut Place<'_>) -> Option<u64> {
    move |json, place| {
        let Json::Number(number) = &json else {
            place.wrong_kind("a whole number", &json);
            return None;
        };
        let number = whole(number).filter(|number| range.contains(number));
        if number.is_none() {
            place.fault(format_args!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }
}

/// JSON does not tell 7 from 7.0, and neither does a schema that asks for an integer.
fn whole(number: &Number) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_991.0;
    let spelled_as_fraction = || {
        let number = number.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=EXACT).contains(number));
        number.map(|number| number as u64)
    };
    number.as_u64().or_else(spelled_as_fraction)
}

/// Reads an array, each item by `read`; every faulty item is told under its own path (`permissions[1]`).
pub(crate) fn list<T>(
    mut read: impl FnMut(Json, &mut Place<'_>) -> Option<T>,
) -> impl FnOnce(Json, &mut Place<'_>) -> Option<Vec<T>> {
    move |json, place| {
        let items = match json {
            Json::Array(items) if items.len() <= MAX_ITEMS => items,
            Json::Array(_) => {
                place.fault(format_args!("has more than {MAX_ITEMS} items"));
                return None;
            }
            other => {
                place.wrong_kind("an array", &other);
                return None;
            }
        };
        let read: Vec<Option<T>> = items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                read(item, &mut Place { field: place.field, index: Some(index), faults: place.faults })
            })
            .collect();
        // Collected twice so that a fault does not hide those of the items after it.
        read.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn fields(body: &str) -> Fields {
        Fields::new(Some(Json::parse(body.as_bytes()).unwrap()))
    }

    fn faults(fields: Fields) -> String {
        serde_json::to_string(&fields.finish(|| Some(())).unwrap_err()).unwrap()
    }

    #[test]
    fn absent_null_and_a_value_are_told_apart() {
        let mut fields = fields(r#"{"b":null,"c":"x"}"#);
        assert_eq!(fields.nullable("a", string), Field::Absent);
        assert_eq!(fields.nullable("b", string), Field::Null);
        assert_eq!(fields.nullable("c", string), Field::Value("x".to_owned()));
        assert_eq!(fields.finish(|| Some(1)), Ok(1));
    }

    #[test]
    fn a_field_of_three_ways_turns_into_a_value_or_a_change() {
        let ways = [Field::Absent, Field::Null, Field::Value(1)];
        assert_eq!(ways.clone().map(Field::value), [None, None, Some(1)]);
        assert_eq!(ways.map(Field::change), [None, Some(None), Some(Some(1))]);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let mut fields = fields(r#"{"ip":"1.2.3","ips":["1.1.1.1","x",7],"cost":0,"nmae":"x","name":null}"#);
        assert_eq!(fields.required("name", string), None);
        assert_eq!(fields.required("tier", string), None);
        assert_eq!(fields.optional("ip", text::<Ipv4Addr>), None);
        assert_eq!(fields.nullable("ips", list(text::<Ipv4Addr>)), Field::Absent);
        assert_eq!(fields.optional("cost", whole_number(1..=9)), None);
        fields.fault("cost", "is dear");
        assert_eq!(
            faults(fields),
            concat!(
                r#"{"name":["must be a string, not null"],"tier":["is required"],"#,
                r#""ip":["invalid IPv4 address syntax"],"ips[1]":["invalid IPv4 address syntax"],"#,
                r#""ips[2]":["must be a string, not a number"],"#,
                r#""cost":["must be a whole number from 1 to 9","is dear"],"#,
                r#""nmae":["is unknown; this call takes name, tier, ip, ips, cost"]}"#
            )
        );
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        for (value, kind) in [
            ("null", "null"),
            ("true", "a boolean"),
            ("1", "a number"),
            ("[]", "an array"),
            ("{}", "an object"),
        ] {
            let mut fields = fields(&format!(r#"{{"a":{value}}}"#));
            assert_eq!(fields.optional("a", string), None);
            assert_eq!(faults(fields), format!(r#"{{"a":["must be a string, not {kind}"]}}"#));
        }
        let mut fields = fields(r#"{"list":{},"number":"1"}"#);
        assert_eq!(fields.optional("list", list(string)), None);
        assert_eq!(fields.optional("number", whole_number(1..=2)), None);
        assert_eq!(
            faults(fields),
            r#"{"list":["must be an array, not an object"],"number":["must be a whole number, not a string"]}"#
        );
    }

    #[test]
    fn whole_numbers_keep_their_range() {
        let number =
            |text: &str| fields(&format!(r#"{{"n":{text}}}"#)).optional("n", whole_number(0..=604_800));
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("604800"), Some(604_800));
        assert_eq!(number("7.0"), Some(7));
        assert_eq!(number("6e5"), Some(600_000));
        for text in ["604801", "-1", "1.5", "1e99", "99999999999999999999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_one_fault() {
        for (body, kind) in [("[]", "an array"), ("null", "null"), ("\"x\"", "a string"), ("1", "a number")] {
            let mut fields = fields(body);
            assert_eq!(fields.required("name", string), None);
            assert_eq!(faults(fields), format!(r#"{{"body":["must be an object, not {kind}"]}}"#));
        }
    }

    #[test]
    fn an_absent_body_has_no_fields() {
        let mut fields = Fields::new(None);
        assert_eq!(fields.optional("reason", string), None);
        assert_eq!(fields.finish(|| Some(())), Ok(()));
    }

    #[test]
    fn unknown_fields_are_named_only_if_they_are_short_identifiers() {
        let secret = format!("qwt_{}", "0".repeat(49));
        let text = faults(fields(&format!(r#"{{"{secret}":1,"a":1,"<b>":1}}"#)));
        assert_eq!(
            text,
            r#"{"a":["is unknown; this call takes no fields"],"body":["has unknown fields that are not named here: 2"]}"#
        );
    }

    #[test]
    fn the_answer_to_a_flood_of_faults_stays_small() {
        let members: Vec<String> = (0..5_000).map(|i| format!("\"f{i}\":0")).collect();
        let text = faults(fields(&format!("{{{}}}", members.join(","))));
        assert!(text.len() < 2_000 && text.contains("not named here: 4980"), "{text}");

        let mut fields = fields(&format!(r#"{{"list":[{}]}}"#, vec!["0"; 1_001].join(",")));
        assert_eq!(fields.optional("list", list(string)), None);
        assert_eq!(faults(fields), r#"{"list":["has more than 1000 items"]}"#);
    }

    #[test]
    fn a_reader_may_bring_its_own_rule() {
        let mut fields = fields(r#"{"list":["a","b"]}"#);
        let known = list(|json, place: &mut Place<'_>| {
            let text = string(json, place)?;
            if text != "a" {
                place.fault("is not in the catalogue");
                return None;
            }
            Some(text)
        });
        assert_eq!(fields.required("list", known), None);
        assert_eq!(faults(fields), r#"{"list[1]":["is not in the catalogue"]}"#);
    }

    #[test]
    fn a_value_that_cannot_be_built_never_passes() {
        assert!(fields("{}").finish(|| None::<()>).is_err());
    }
}
