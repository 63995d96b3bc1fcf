//! Problem details, RFC 9457: the only place that turns a denial into a response.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use qwetty::Excess;

use crate::bearer::BearerError;
use crate::error_code::ErrorCode;
use crate::faults::Faults;
use crate::header::HeaderError;
use crate::limits::LimitError;
use crate::path_table::Unrouted;
use crate::problem_object::ProblemObject;
use crate::request_id::RequestId;
use crate::routes::Unmapped;

/// An answer that is an error. Status and title follow from the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: ErrorCode,
    detail: Cow<'static, str>,
    errors: Faults,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// The problem of a code that needs nothing more said. Those that do have a constructor of their own.
    pub fn new(code: ErrorCode) -> Self {
        let challenge = match code {
            ErrorCode::MissingAuthorization => Some(HeaderValue::from_static("Bearer realm=\"qwetty\"")),
            ErrorCode::InvalidApiKey => {
                Some(HeaderValue::from_static("Bearer realm=\"qwetty\", error=\"invalid_token\""))
            }
            _ => None,
        };
        let headers = challenge.map(|value| (WWW_AUTHENTICATE, value)).into_iter().collect();
        Self { code, detail: Cow::Borrowed(code.detail()), errors: Faults::default(), headers }
    }

    /// A request that breaks HTTP, JSON or the form of a query string: `fault` says what and where.
    pub fn malformed_request(fault: &impl std::error::Error) -> Self {
        Self::with_detail(ErrorCode::MalformedRequest, sentence(fault.to_string()))
    }

    /// What a server could not read as a request, for the reason that `status` gives: 414, 431, or else 400.
    pub fn unreadable(status: StatusCode) -> Self {
        match status {
            StatusCode::URI_TOO_LONG => Self::new(ErrorCode::UriTooLong),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::with_detail(
                ErrorCode::HeadersTooLarge,
                "The header section is larger than 16384 bytes or has more than 100 fields",
            ),
            _ => Self::with_detail(
                ErrorCode::MalformedRequest,
                "The request line or a header field is not well-formed HTTP",
            ),
        }
    }

    /// Something that the current state forbids.
    pub fn conflict(detail: &'static str) -> Self {
        Self::with_detail(ErrorCode::Conflict, sentence(detail.to_owned()))
    }

    /// A key that lacks one of the permissions `asked`; they go out as the `scope` of RFC 6750, section 3.
    pub fn insufficient_permissions(asked: &[&str]) -> Self {
        let mut problem = Self::new(ErrorCode::InsufficientPermissions);
        let scope = asked.iter().copied().filter(|name| is_scope_token(name)).collect::<Vec<_>>().join(" ");
        let challenge = format!("Bearer realm=\"qwetty\", error=\"insufficient_scope\", scope=\"{scope}\"");
        if let Ok(value) = HeaderValue::try_from(challenge) {
            problem.headers.push((WWW_AUTHENTICATE, value));
        }
        problem
    }

    /// A caller that tried to exceed what it holds.
    pub fn exceeds_caller(excess: &Excess) -> Self {
        Self::with_detail(ErrorCode::ExceedsCaller, sentence(excess.to_string()))
    }

    /// A request that the route table has no row for: `fault` says why.
    pub fn route_not_mapped(fault: &impl std::error::Error) -> Self {
        Self::with_detail(ErrorCode::RouteNotMapped, sentence(fault.to_string()))
    }

    /// A path that takes the methods `allowed` alone.
    pub fn method_not_allowed(allowed: &[Method]) -> Self {
        let mut problem = Self::new(ErrorCode::MethodNotAllowed);
        let methods = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        if let Ok(value) = HeaderValue::try_from(methods) {
            problem.headers.push((ALLOW, value));
        }
        problem
    }

    /// A body that breaks the rules `faults` tell.
    pub fn validation_failed(faults: Faults) -> Self {
        Self { errors: faults, ..Self::new(ErrorCode::ValidationFailed) }
    }

    /// A quota without room for `retry_after` seconds.
    pub fn rate_limited(retry_after: u64) -> Self {
        let mut problem = Self::new(ErrorCode::RateLimited);
        problem.headers.push((RETRY_AFTER, HeaderValue::from(retry_after)));
        problem
    }

    /// Its code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What is wrong, as a sentence for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with each field of the body; empty but for [`ErrorCode::ValidationFailed`].
    pub fn errors(&self) -> &Faults {
        &self.errors
    }

    /// The response to the request `id`. No answer is for anyone's cache, since it depends on who asked.
    pub fn into_response(self, id: &RequestId) -> Response<Full<Bytes>> {
        let document = self.document(id.as_str());
        // Strings and numbers always serialize; were that ever to fail, the status still says no.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = self.code.status();
        response.headers_mut().extend(self.headers);
        let content_type = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        id.stamp(response.headers_mut());
        response
    }

    /// The document that goes out for the request `request_id`.
    pub fn document<'a>(&'a self, request_id: &'a str) -> ProblemObject<'a> {
        ProblemObject {
            kind: format!("/docs/errors#{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            request_id,
            errors: &self.errors,
        }
    }

    fn with_detail(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: detail.into(), ..Self::new(code) }
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        Self::validation_failed(faults)
    }
}

impl From<LimitError> for Problem {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::UriTooLong => Self::new(ErrorCode::UriTooLong),
            LimitError::HeadersTooLarge => Self::new(ErrorCode::HeadersTooLarge),
            LimitError::NoHost | LimitError::NotAHost | LimitError::UnknownCoding | LimitError::Header(_) => {
                Self::malformed_request(&error)
            }
        }
    }
}

impl From<Unrouted> for Problem {
    fn from(unrouted: Unrouted) -> Self {
        match unrouted {
            Unrouted::UnknownPath => Self::new(ErrorCode::NotFound),
            Unrouted::OtherMethods(methods) => Self::method_not_allowed(&methods),
        }
    }
}

impl From<HeaderError> for Problem {
    fn from(error: HeaderError) -> Self {
        Self::malformed_request(&error)
    }
}

impl From<Unmapped> for Problem {
    fn from(unmapped: Unmapped) -> Self {
        Self::route_not_mapped(&unmapped)
    }
}

impl From<BearerError> for Problem {
    fn from(error: BearerError) -> Self {
        match error {
            BearerError::Missing => Self::new(ErrorCode::MissingAuthorization),
            BearerError::NotText => Self::new(ErrorCode::InvalidApiKey),
            BearerError::Header(error) => error.into(),
        }
    }
}

/// Whether a name can stand in a `scope` parameter without ending it.
fn is_scope_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

/// An error message as a sentence of its own, like the other details.
fn sentence(mut message: String) -> String {
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_id::RequestIds;
    use http::header::AUTHORIZATION;
    use http_body_util::BodyExt;
    use qwetty_authz::Axis;

    async fn answer(problem: Problem) -> (http::response::Parts, String) {
        let (parts, body) = problem.into_response(&RequestIds::new(7).next()).into_parts();
        (parts, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    fn header<'a>(problem: &'a Problem, name: &HeaderName) -> Option<&'a str> {
        let found = problem.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.to_str().unwrap())
    }

    fn challenge(problem: &Problem) -> Option<&str> {
        header(problem, &WWW_AUTHENTICATE)
    }

    #[tokio::test]
    async fn a_problem_is_rfc_9457() {
        let (parts, body) = answer(Problem::new(ErrorCode::NotFound)).await;
        assert_eq!(parts.status, 404);
        assert_eq!(parts.headers[CONTENT_TYPE], "application/problem+json");
        let id = parts.headers["x-request-id"].to_str().unwrap();
        assert_eq!(
            body,
            format!(
                "{{\"type\":\"/docs/errors#not_found\",\"title\":\"Not found\",\"status\":404,\
                 \"detail\":\"There is nothing here\",\"code\":\"not_found\",\"requestId\":\"{id}\"}}"
            )
        );
    }

    #[tokio::test]
    async fn faults_stand_under_errors() {
        let mut faults = Faults::default();
        faults.add("name", "is required");
        let (parts, body) = answer(Problem::from(faults)).await;
        assert_eq!(parts.status, 422);
        assert!(body.ends_with(r#","errors":{"name":["is required"]}}"#), "{body}");
    }

    #[test]
    fn a_401_challenges_and_tells_whether_a_credential_was_sent() {
        let missing = Problem::from(BearerError::Missing);
        assert_eq!(
            (missing.code, challenge(&missing)),
            (ErrorCode::MissingAuthorization, Some("Bearer realm=\"qwetty\""))
        );
        let invalid = Problem::new(ErrorCode::InvalidApiKey);
        assert_eq!(challenge(&invalid), Some("Bearer realm=\"qwetty\", error=\"invalid_token\""));
    }

    #[test]
    fn a_403_for_permissions_names_the_scope() {
        let problem = Problem::insufficient_permissions(&["chats:read", "messages:send"]);
        let expected =
            "Bearer realm=\"qwetty\", error=\"insufficient_scope\", scope=\"chats:read messages:send\"";
        assert_eq!(challenge(&problem), Some(expected));
        let problem = Problem::insufficient_permissions(&["a\", realm=\"evil", "b\r\nc", "", "d"]);
        assert!(challenge(&problem).unwrap().ends_with("scope=\"d\""));
        assert_eq!(challenge(&Problem::new(ErrorCode::IpNotAllowed)), None);
    }

    #[test]
    fn exceeds_caller_names_the_axis() {
        let problem = Problem::exceeds_caller(&Excess::Axis(Axis::Networks));
        assert!(problem.detail.ends_with("networks (ipWhitelist)"), "{}", problem.detail);
    }

    #[test]
    fn a_405_lists_the_methods() {
        let problem = Problem::method_not_allowed(&[Method::GET, Method::POST]);
        assert_eq!(header(&problem, &ALLOW), Some("GET, POST"));
    }

    #[test]
    fn a_conflict_is_told_as_a_sentence() {
        assert_eq!(Problem::conflict("the organization has keys").detail, "The organization has keys");
    }

    #[test]
    fn a_429_tells_when_to_come_back() {
        assert_eq!(header(&Problem::rate_limited(34), &RETRY_AFTER), Some("34"));
    }

    #[test]
    fn what_cannot_be_read_as_a_request_has_the_status_of_the_reason() {
        for status in
            [StatusCode::BAD_REQUEST, StatusCode::URI_TOO_LONG, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE]
        {
            assert_eq!(Problem::unreadable(status).code.status(), status);
        }
        assert_eq!(Problem::unreadable(StatusCode::REQUEST_TIMEOUT).code, ErrorCode::MalformedRequest);
    }

    #[test]
    fn a_header_that_cannot_be_read_is_a_malformed_request() {
        for problem in [
            Problem::from(BearerError::from(HeaderError::Repeated(AUTHORIZATION))),
            Problem::from(HeaderError::NotText(AUTHORIZATION)),
        ] {
            assert_eq!(problem.code, ErrorCode::MalformedRequest, "{problem:?}");
        }
    }
}
