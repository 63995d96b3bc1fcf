//! Who calls, as a handler sees it.

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::extract::rejection::ExtensionRejection;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use qwetty::VerifiedKey;
use qwetty_guard::{ErrorCode, Problem, RequestId};
use qwetty_keys::OrganizationId;

/// What the layer left in a request that it let through. A request that went past the layer has none, and is answered 500.
pub(crate) struct Admitted {
    key: VerifiedKey,
    id: RequestId,
}

impl Admitted {
    /// Whose chats these are.
    pub(crate) fn organization(&self) -> OrganizationId {
        self.key.organization()
    }

    /// Whether the key may act on a channel.
    pub(crate) fn reaches(&self, channel: &str) -> bool {
        self.key.access().channels.allows(channel)
    }

    /// The answer for what is not there, and for what the key is not to see: they are the same.
    pub(crate) fn not_found(&self) -> Response {
        Problem::new(ErrorCode::NotFound).into_response(&self.id).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admitted {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Extension(key) = Extension::from_request_parts(parts, state).await?;
        let Extension(id) = Extension::from_request_parts(parts, state).await?;
        Ok(Self { key, id })
    }
}
