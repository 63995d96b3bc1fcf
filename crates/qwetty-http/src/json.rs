//! A JSON body as a tree that hides nothing: members in the order sent, and no name twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// One JSON value, RFC 8259.
///
/// `serde_json::Value` keeps the last of two members with one name, silently; a proxy that keeps the first would
/// have judged another request than this server. Here a duplicate is an error.
///
/// A body may hold a key value, so `Debug` tells the kind of a value and nothing of its content.
#[derive(PartialEq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; its members in the order sent, each name once.
    Object(Vec<(String, Json)>),
}

/// Bytes that are not one JSON value. The message tells what and where, and repeats nothing of the body.
#[derive(Debug, thiserror::Error)]
#[error("the body is not acceptable JSON: {0}")]
pub(crate) struct MalformedJson(serde_json::Error);

impl Json {
    /// Parses exactly one JSON value. Nesting deeper than 127 levels is refused.
    ///
    /// # Errors
    /// [`MalformedJson`] for bytes that are not JSON in UTF-8, a name that stands twice in one object, and anything
    /// but white space after the value.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, MalformedJson> {
        serde_json::from_slice(bytes).map_err(MalformedJson)
    }

    /// What kind of value this is, with its article: `a string`, `null`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        let mut names = None;
        while let Some(name) = members.next_key::<String>()? {
            if is_repeated(&name, &object, &mut names) {
                return Err(de::Error::custom("an object has two members of the same name"));
            }
            object.push((name, members.next_value()?));
        }
        Ok(Json::Object(object))
    }
}

/// Whether a member of this name is there already. Few names are compared one by one; of more, `names` is a set, since
/// comparing every name with every other would let one body cost seconds.
fn is_repeated(name: &str, members: &[(String, Json)], names: &mut Option<HashSet<String>>) -> bool {
    const FEW: usize = 16;
    if members.len() < FEW {
        return members.iter().any(|(known, _)| known == name);
    }
    let names = names.get_or_insert_with(|| members.iter().map(|(known, _)| known.clone()).collect());
    !names.insert(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn refusal(body: &[u8]) -> String {
        Json::parse(body).unwrap_err().to_string()
    }

    fn to_value(json: &Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(value) => Value::Number(value.clone()),
            Json::String(value) => Value::String(value.clone()),
            Json::Array(items) => Value::Array(items.iter().map(to_value).collect()),
            Json::Object(members) => {
                Value::Object(members.iter().map(|(name, json)| (name.clone(), to_value(json))).collect())
            }
        }
    }

    #[test]
    fn every_kind_is_read_and_members_keep_their_order() {
        let json = Json::parse(br#" {"b":[1,-2,0.5,"x",true],"a":null} "#).unwrap();
        let numbers = vec![
            Json::Number(1.into()),
            Json::Number((-2).into()),
            Json::Number(Number::from_f64(0.5).unwrap()),
            Json::String("x".into()),
            Json::Bool(true),
        ];
        assert!(json == Json::Object(vec![("b".into(), Json::Array(numbers)), ("a".into(), Json::Null)]));
    }

    #[test]
    fn duplicate_names_are_refused_at_any_depth_and_however_they_are_spelt() {
        for body in [
            &br#"{"a":1,"a":1}"#[..],
            br#"{"a":1,"\u0061":2}"#,
            br#"{"x":{"y":[{"a":1,"b":2,"a":3}]}}"#,
            br#"[{"":1,"":2}]"#,
        ] {
            assert!(refusal(body).contains("two members of the same name"), "{body:?}");
        }
        assert!(Json::parse(br#"[{"a":1},{"a":1}]"#).is_ok());
    }

    #[test]
    fn a_duplicate_is_refused_wherever_it_stands_among_many() {
        let object = |names: &[usize]| {
            let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        let many: Vec<usize> = (0..40).collect();
        assert!(Json::parse(object(&many).as_bytes()).is_ok());
        for repeated in 0..40 {
            let names = [&many[..], &[repeated]].concat();
            assert!(
                refusal(object(&names).as_bytes()).contains("two members of the same name"),
                "{repeated}"
            );
        }
    }

    #[test]
    fn a_refusal_tells_line_and_column() {
        assert!(refusal(b"{\n  \"a\": 1,\n  \"a\": 2\n}").ends_with("at line 3 column 5"));
        assert!(refusal(b"{\n  nope").ends_with("at line 2 column 3"));
    }

    #[test]
    fn trailing_text_is_refused() {
        for body in [&b"{} {}"[..], b"{}x", b"1 2", b"{},", b"{}\0"] {
            assert!(refusal(body).contains("trailing characters"), "{body:?}");
        }
        assert!(Json::parse(b"{} \n").is_ok());
    }

    #[test]
    fn bytes_that_are_not_json_in_utf_8_are_refused() {
        for body in [
            &b""[..],
            b" ",
            b"{",
            b"{\"a\":}",
            b"{a:1}",
            b"{'a':1}",
            b"\"\xff\"",
            b"{\"\xc3\x28\":1}",
            b"\"\\ud800\"",
            b"\xef\xbb\xbf{}",
            b"NaN",
            b"01",
            b"1e999",
            b"[1,]",
            b"// c\n1",
            b"\"a\nb\"",
        ] {
            assert!(Json::parse(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(Json::parse("[".repeat(100_000).as_bytes()).is_err());
        let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
        assert!(Json::parse(deep.as_bytes()).is_ok());
    }

    #[test]
    fn a_body_of_many_names_costs_little() {
        let members: Vec<String> = (0..10_000).map(|i| format!("\"{i}\":0")).collect();
        let body = format!("{{{}}}", members.join(","));
        let Json::Object(object) = Json::parse(body.as_bytes()).unwrap() else { panic!("not an object") };
        assert_eq!(object.len(), 10_000);
    }

    #[test]
    fn debug_tells_the_kind_alone() {
        let json = Json::parse(br#"{"key":"qwt_secret"}"#).unwrap();
        assert_eq!(format!("{json:?}"), "an object");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in any_value()) {
            // Through text once first: the nearest double of a printed double is what counts.
            let text = serde_json::to_vec(&value).unwrap();
            let value: Value = serde_json::from_slice(&text).unwrap();
            prop_assert_eq!(to_value(&Json::parse(&text).unwrap()), value);
        }

        #[test]
        fn any_bytes_are_judged_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Json::parse(&body);
        }

        #[test]
        fn nearly_json_is_judged_without_a_panic_and_as_serde_json_would(body in r#"[\[\]{}:, "a\\u0-9e.tr]{0,40}"#) {
            if Json::parse(body.as_bytes()).is_ok() {
                prop_assert!(serde_json::from_str::<Value>(&body).is_ok());
            }
        }

        #[test]
        fn no_refusal_repeats_a_key_value(before in r#"[\[{":, ]{0,8}"#, after in r#"[\]}":, a]{0,8}"#) {
            let secret = "qwt_4fJkSECRETSECRETSECRET";
            if let Err(error) = Json::parse(format!("{before}{secret}{after}").as_bytes()) {
                prop_assert!(!error.to_string().contains("4fJk"));
                let debug = format!("{error:?}");
                prop_assert!(!debug.contains("4fJk"));
            }
        }
    }
}
