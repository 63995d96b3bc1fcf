//! A refusal in the words of gRPC, beside those of HTTP: not every gRPC client looks at the status of an answer before its
//! body, and a problem document is no message.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use qwetty_guard::ErrorCode;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether a request is a gRPC call (PROTOCOL-HTTP2.md of gRPC, "Requests").
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Sets `grpc-status` and `grpc-message`, which is the code.
pub(crate) fn tell(code: ErrorCode, headers: &mut HeaderMap) {
    let status = match code.status() {
        StatusCode::BAD_REQUEST => 3,          // INVALID_ARGUMENT
        StatusCode::UNAUTHORIZED => 16,        // UNAUTHENTICATED
        StatusCode::FORBIDDEN => 7,            // PERMISSION_DENIED
        StatusCode::TOO_MANY_REQUESTS => 8,    // RESOURCE_EXHAUSTED
        StatusCode::SERVICE_UNAVAILABLE => 14, // UNAVAILABLE
        _ => 2,                                // UNKNOWN
    };
    headers.insert(GRPC_STATUS, HeaderValue::from(status));
    headers.insert(GRPC_MESSAGE, HeaderValue::from_static(code.as_str()));
}
