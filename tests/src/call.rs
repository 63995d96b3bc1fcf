use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use serde_json::Value;

/// A request to be sent.
#[derive(Clone)]
pub struct Call(Request<Full<Bytes>>);

impl Call {
    /// A request without a body.
    pub fn new(method: Method, path: &str) -> Self {
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        Self(request)
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.0.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
        self
    }

    /// The same with this JSON as its body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// The same with these bytes as its body.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.0.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        *self.0.body_mut() = Full::new(body.into());
        self
    }

    pub(crate) fn into_request(self) -> Request<Full<Bytes>> {
        self.0
    }
}
