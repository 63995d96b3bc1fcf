use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The same answer, which must have this status.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The same answer, which must be the problem with this status and code, in the shape of the contract.
    pub fn problem(self, status: u16, code: &str) -> Self {
        let problem = self.json();
        assert_eq!((self.status, problem["code"].as_str()), (status, Some(code)), "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail", "requestId"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {problem}");
        }
        assert_eq!(problem["requestId"].as_str(), self.header("x-request-id"));
        assert_eq!(problem.get("errors").is_some(), status == 422, "{problem}");
        self
    }

    /// The paths that a 422 names, in the order of the alphabet.
    pub fn faulty(&self) -> Vec<String> {
        let problem = self.clone().problem(422, "validation_failed").json();
        let errors = problem["errors"].as_object().unwrap().clone();
        for messages in errors.values() {
            assert!(!messages.as_array().unwrap().is_empty() && messages[0].is_string(), "{problem}");
        }
        let mut paths: Vec<String> = errors.into_iter().map(|(path, _)| path).collect();
        paths.sort();
        paths
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The member `data` of the body.
    pub fn data(&self) -> Value {
        self.json().get_mut("data").map(Value::take).unwrap_or_else(|| panic!("no data: {self:?}"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }

    /// A header that stands once, or not at all.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} stands twice");
        value
    }

    /// A header that is a number.
    pub fn number(&self, name: &str) -> i64 {
        let value = self.header(name).unwrap_or_else(|| panic!("{name} is missing: {self:?}"));
        value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}"))
    }
}
