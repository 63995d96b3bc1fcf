//! What to tell people about each error: the one source of `/docs/errors` and of `docs/errors.md`.

use qwetty_guard::ErrorCode;

/// How an error comes about and what helps.
pub(crate) struct ErrorGuide {
    /// Why a client meets it.
    pub(crate) cause: &'static str,
    /// What to do about it.
    pub(crate) remedy: &'static str,
}

/// The guide to a code. In its texts, what stands between backticks is code.
pub(crate) const fn guide(code: ErrorCode) -> ErrorGuide {
    let (cause, remedy) = texts(code);
    ErrorGuide { cause, remedy }
}

#[rustfmt::skip]
const fn texts(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::MalformedRequest => (
            "The request breaks HTTP, its body is not one JSON value, an object has two members of one \
            name, a query parameter is unknown, repeated or out of its bounds, or a header that may stand \
            once (`Authorization`, `Host`, `Content-Type`) stands twice.",
            "Read `detail`: it says what is wrong and where. Sending the same again gives the same \
            answer."),
        ErrorCode::MissingAuthorization => (
            "There is no `Authorization` header, its scheme is not `Bearer`, or nothing follows the \
            scheme.",
            "Send `Authorization: Bearer <key value>`. If you do, look for a proxy or a redirect on the \
            way that drops the header."),
        ErrorCode::InvalidApiKey => (
            "A credential was sent that is no usable key: unknown, mistyped, revoked, expired, deleted, or \
            the old value of a regenerated key. All of them get this one answer, so that nobody learns \
            anything about a key by trying.",
            "Compare the first 8 characters with `start` of the key that you mean, and look at that key's \
            status with another key. Then regenerate or reactivate it, or issue a new one. Do not retry."),
        ErrorCode::InsufficientPermissions => (
            "The key is good, but lacks a permission that the call needs. `scope` in `WWW-Authenticate` \
            names it.",
            "Use a key that holds the permission, or let somebody who holds it add it to this key."),
        ErrorCode::IpNotAllowed => (
            "The key has an `ipWhitelist`, and the client's address is not in it, or is unknown.",
            "Call from an address in the list, or add this one. Behind a proxy, the server sees the \
            proxy's address until the proxy is named in `trusted_proxies`."),
        ErrorCode::ChannelNotAllowed => (
            "The key has `channelScopes`, and the channel that was asked for is not among them.",
            "Ask for a channel in the list, or add this one to the key."),
        ErrorCode::ExceedsCaller => (
            "Nobody grants what they lack. The key that would come about could do more than the caller's \
            own: `detail` names the axis (permissions, channels, networks, tier, expiry). A restriction \
            that is absent or null is the widest. The same code refuses a key that changes itself, and \
            anybody but an operator who changes or takes away an operator's key. The attempt is in the \
            audit log.",
            "Restrict the key until the caller's covers it, or make the call with a key that may do more."),
        ErrorCode::UntrustedProxy => (
            "`/api/v1/authorize` was asked by a peer that is not in `trusted_proxies`. Only a gateway that is \
            may ask in its clients' names; nobody is by default.",
            "If the peer is your gateway, start the server with `--trusted-proxy` and the address that the \
            gateway connects from. Clients have no business there."),
        ErrorCode::RouteNotMapped => (
            "A gateway asked about a request that no row of the route table is for: its method and path are \
            in none, its path could be read in two ways (dot segments, doubled or encoded slashes, control \
            characters, a fragment), or the gateway did not tell method and URI exactly once. It is counted \
            to no key.",
            "Clients: check method and path, and whether the path ends in a slash. Operators: read \
            `detail`, and add the route to `[[routes]]`."),
        ErrorCode::InvalidSignature => (
            "`/api/v1/leaked-keys/github` got a message that none of GitHub's keys signed as it is: the \
            signature or its key's identifier is missing or unknown, or the body was changed. Nothing was \
            done.",
            "Only GitHub has business there; report leaked keys to `/api/v1/leaked-keys`. If GitHub's own \
            messages are refused, fetch its public keys anew."),
        ErrorCode::NotFound => (
            "The path is unknown, or what it names does not exist, is deleted, or belongs to another \
            organization: these look alike on purpose.",
            "Check the path and the id. Operators name another organization's things with \
            `organizationId`; nobody else can."),
        ErrorCode::MethodNotAllowed => (
            "The path exists and does not take this method.",
            "Use one of the methods in the `Allow` header."),
        ErrorCode::KeyRevoked => (
            "The key is revoked, and a revoked key gets no new value.",
            "Reactivate it first, or issue another."),
        ErrorCode::KeyExpired => (
            "The key has expired, and an expired key is neither regenerated nor reactivated.",
            "Give it a later `expiresAt` first (`PATCH /api/v1/api-keys/{id}`), or issue another."),
        ErrorCode::Conflict => (
            "The present state of things forbids the change: an organization that has keys is not deleted.",
            "Read `detail`, remove what is in the way, and try again."),
        ErrorCode::PayloadTooLarge => (
            "The body has, or announces, more than 65536 bytes.",
            "Send less. No valid body of this interface is near the limit."),
        ErrorCode::UriTooLong => (
            "The URI has more than 8192 bytes.",
            "Shorten `search`; nothing else in a URI can be long."),
        ErrorCode::UnsupportedMediaType => (
            "There is a body, and `Content-Type` does not call it `application/json` in UTF-8.",
            "Send `Content-Type: application/json`. (`curl -d` says `application/x-www-form-urlencoded` \
            unless told otherwise.)"),
        ErrorCode::ValidationFailed => (
            "The body is JSON and breaks rules: a field is missing, unknown, of another type or out of its \
            bounds. Nothing was changed.",
            "`errors` names every fault at once by the path of its field; mend them all."),
        ErrorCode::RateLimited => (
            "In the window that ends now, the key has used all units of its tier. Refused requests take \
            none. Without the rate-limit headers it is no key's quota: too many requests with invalid keys \
            came from the client's address, or too many reports of leaked keys. A good key is never \
            refused for what others do from its address.",
            "Wait as many seconds as `Retry-After` says, then try again. If it happens often, spread the \
            requests, or ask for a higher tier; without the rate-limit headers, look for whatever sends the \
            invalid key."),
        ErrorCode::HeadersTooLarge => (
            "The header section has more than 16384 bytes.",
            "Send fewer or shorter headers; cookies, mostly, of another application on the same host."),
        ErrorCode::Unavailable => (
            "The server cannot decide or cannot write, mostly because its store does not answer. It never \
            admits in doubt. Whether a change that was under way has happened is open.",
            "Try again with growing pauses. Before you repeat a change, read what is there. Tell whoever \
            runs the server, with `requestId`."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rewrite it with `QWETTY_UPDATE_DOCS=1 cargo test -p qwetty-http`.
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");

    #[test]
    fn the_markdown_page_tells_the_same() {
        let wanted = markdown();
        if std::env::var_os("QWETTY_UPDATE_DOCS").is_some() {
            std::fs::write(PAGE, &wanted).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(PAGE).unwrap(),
            wanted,
            "docs/errors.md is not what error_guide.rs says"
        );
    }

    fn markdown() -> String {
        let mut page = HEAD.to_owned();
        for code in ErrorCode::ALL {
            let ErrorGuide { cause, remedy } = guide(code);
            let (status, name) = (code.status().as_u16(), code.as_str());
            page += &format!(
                "\n## `{name}`\n\n{status} · *{}*\n\n**Cause.** {cause}\n\n**Remedy.** {remedy}\n",
                code.detail()
            );
        }
        page
    }

    const HEAD: &str = r#"# Errors

Every error is a problem document (RFC 9457), `Content-Type: application/problem+json`:

```json
{
  "type": "/docs/errors#validation_failed",
  "title": "Validation failed",
  "status": 422,
  "detail": "The body breaks a rule; see errors",
  "code": "validation_failed",
  "requestId": "req_4a7qhk2m5w8x9yb3d6f1g0n2pr",
  "errors": {"name": ["must not be empty"], "permissions": ["is required"]}
}
```

Match on `code`: codes and their statuses never change, titles and details are for people. `type` points to the
explanation, which the server shows at `/docs/errors`. `errors` stands with 422 alone. `requestId` is also in
`X-Request-Id`, in the log and in the audit log.
"#;
}
