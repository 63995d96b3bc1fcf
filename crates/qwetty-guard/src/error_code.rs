//! The contract's table of errors.

use http::StatusCode;

/// Every error of the HTTP interface. Its code, status and title never change; programs match on the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The request breaks HTTP, JSON or the form of a query string.
    MalformedRequest,
    /// No credential.
    MissingAuthorization,
    /// A credential that is unknown, malformed, revoked, expired or deleted, all alike.
    InvalidApiKey,
    /// The key lacks a permission.
    InsufficientPermissions,
    /// The client address is not in the key's whitelist.
    IpNotAllowed,
    /// The channel is not in the key's scopes.
    ChannelNotAllowed,
    /// The key would be able to do what its maker cannot.
    ExceedsCaller,
    /// The peer may not ask in other clients' names.
    UntrustedProxy,
    /// No row of the route table is for the original request.
    RouteNotMapped,
    /// A message is not signed by whom it should be.
    InvalidSignature,
    /// No such thing, or another organization's.
    NotFound,
    /// The path knows other methods.
    MethodNotAllowed,
    /// Not possible for a revoked key.
    KeyRevoked,
    /// Not possible for an expired key.
    KeyExpired,
    /// The state of things forbids it.
    Conflict,
    /// The body is larger than 64 KiB.
    PayloadTooLarge,
    /// The URI is longer than 8 KiB.
    UriTooLong,
    /// The body is not called JSON.
    UnsupportedMediaType,
    /// A well-formed body breaks a rule.
    ValidationFailed,
    /// The quota has no room.
    RateLimited,
    /// The header section is larger than 16 KiB.
    HeadersTooLarge,
    /// The store cannot answer.
    Unavailable,
}

impl ErrorCode {
    /// Every code, in the order of their statuses.
    pub const ALL: [Self; 22] = [
        Self::MalformedRequest,
        Self::MissingAuthorization,
        Self::InvalidApiKey,
        Self::InsufficientPermissions,
        Self::IpNotAllowed,
        Self::ChannelNotAllowed,
        Self::ExceedsCaller,
        Self::UntrustedProxy,
        Self::RouteNotMapped,
        Self::InvalidSignature,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::KeyRevoked,
        Self::KeyExpired,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::RateLimited,
        Self::HeadersTooLarge,
        Self::Unavailable,
    ];

    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        self.row().0
    }

    /// A few words for people, the same for every occurrence.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// What to tell where there is nothing more precise to say.
    pub const fn detail(self) -> &'static str {
        self.row().3
    }

    #[rustfmt::skip]
    const fn row(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::MalformedRequest => (S::BAD_REQUEST, "malformed_request", "Malformed request",
                "The request could not be understood"),
            Self::MissingAuthorization => (S::UNAUTHORIZED, "missing_authorization", "Missing authorization",
                "Missing or invalid Authorization header"),
            Self::InvalidApiKey => (S::UNAUTHORIZED, "invalid_api_key", "Invalid API key",
                "Invalid or expired API key"),
            Self::InsufficientPermissions => (S::FORBIDDEN, "insufficient_permissions", "Insufficient permissions",
                "The API key lacks a permission that this call needs"),
            Self::IpNotAllowed => (S::FORBIDDEN, "ip_not_allowed", "IP address not allowed",
                "The API key may not be used from this address"),
            Self::ChannelNotAllowed => (S::FORBIDDEN, "channel_not_allowed", "Channel not allowed",
                "The API key may not be used for this channel"),
            Self::ExceedsCaller => (S::FORBIDDEN, "exceeds_caller", "Exceeds the caller's grants",
                "The key would exceed what the caller's own key may do"),
            Self::UntrustedProxy => (S::FORBIDDEN, "untrusted_proxy", "Untrusted proxy",
                "The peer is not one of the trusted proxies"),
            Self::RouteNotMapped => (S::FORBIDDEN, "route_not_mapped", "Route not mapped",
                "The route table has no row for this request"),
            Self::InvalidSignature => (S::FORBIDDEN, "invalid_signature", "Invalid signature",
                "The body is not signed by a key that this server knows"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "Not found",
                "There is nothing here"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed",
                "This path takes other methods; see the Allow header"),
            Self::KeyRevoked => (S::CONFLICT, "key_revoked", "Key revoked",
                "The key is revoked; reactivate it first"),
            Self::KeyExpired => (S::CONFLICT, "key_expired", "Key expired",
                "The key has expired; give it a later expiresAt first"),
            Self::Conflict => (S::CONFLICT, "conflict", "Conflict",
                "The current state does not allow this"),
            Self::PayloadTooLarge => (S::PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large",
                "The body is larger than 65536 bytes"),
            Self::UriTooLong => (S::URI_TOO_LONG, "uri_too_long", "URI too long",
                "The URI is longer than 8192 bytes"),
            Self::UnsupportedMediaType => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type",
                "Send the body as Content-Type: application/json"),
            Self::ValidationFailed => (S::UNPROCESSABLE_ENTITY, "validation_failed", "Validation failed",
                "The body breaks a rule; see errors"),
            Self::RateLimited => (S::TOO_MANY_REQUESTS, "rate_limited", "Rate limited",
                "Rate limit exceeded"),
            Self::HeadersTooLarge => (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "Headers too large",
                "The header section is larger than 16384 bytes"),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "unavailable", "Unavailable",
                "The service cannot answer now; try again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode::*;

    #[test]
    fn statuses_and_codes_are_the_contract_s() {
        for (status, code, text) in [
            (400, MalformedRequest, "malformed_request"),
            (401, MissingAuthorization, "missing_authorization"),
            (401, InvalidApiKey, "invalid_api_key"),
            (403, InsufficientPermissions, "insufficient_permissions"),
            (403, IpNotAllowed, "ip_not_allowed"),
            (403, ChannelNotAllowed, "channel_not_allowed"),
            (403, ExceedsCaller, "exceeds_caller"),
            (403, UntrustedProxy, "untrusted_proxy"),
            (403, RouteNotMapped, "route_not_mapped"),
            (404, NotFound, "not_found"),
            (405, MethodNotAllowed, "method_not_allowed"),
            (409, KeyRevoked, "key_revoked"),
            (409, KeyExpired, "key_expired"),
            (409, Conflict, "conflict"),
            (413, PayloadTooLarge, "payload_too_large"),
            (414, UriTooLong, "uri_too_long"),
            (415, UnsupportedMediaType, "unsupported_media_type"),
            (422, ValidationFailed, "validation_failed"),
            (429, RateLimited, "rate_limited"),
            (431, HeadersTooLarge, "headers_too_large"),
            (503, Unavailable, "unavailable"),
        ] {
            assert_eq!((code.status().as_u16(), code.as_str()), (status, text));
            assert!(!code.title().is_empty() && !code.detail().is_empty());
        }
    }

    #[test]
    fn all_of_them_are_listed_as_they_are_declared() {
        let declared = Unavailable as usize + 1;
        assert_eq!(
            super::ErrorCode::ALL.map(|code| code as usize).to_vec(),
            (0..declared).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_fixed_details_are_the_contract_s() {
        assert_eq!(MissingAuthorization.detail(), "Missing or invalid Authorization header");
        assert_eq!(InvalidApiKey.detail(), "Invalid or expired API key");
        assert_eq!(RateLimited.detail(), "Rate limit exceeded");
    }
}
