//! What is answered with an error page.

use std::borrow::Cow;

use http::Method;
use http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER};
use maud::{Markup, html};
use qwetty::{ManageError, VerifyError};
use qwetty_guard::{ErrorCode, HeaderError, LimitError, Problem, Unrouted};

use crate::fields::FieldsError;
use crate::reply::{self, Response};
use crate::route::{HOME, SIGN_OUT};
use crate::token::{FormToken, NoRandomness};
use crate::view::{Frame, button, layout};

/// A page that says what is wrong and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    code: ErrorCode,
    detail: Cow<'static, str>,
    header: Option<(HeaderName, HeaderValue)>,
    /// For whoever can do nothing in their session but end it.
    sign_out: Option<Box<FormToken>>,
}

impl Refusal {
    /// A refusal with the status of this code. `detail` is one or two whole sentences for people.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), header: None, sign_out: None }
    }

    /// No such page, or none that this visitor may know of.
    pub(crate) fn not_found() -> Self {
        let detail = "There is nothing here. It may have been deleted, or the address may be mistyped.";
        Self::new(ErrorCode::NotFound, detail)
    }

    /// The visitor's key lacks a permission.
    pub(crate) fn lacks(permission: &str) -> Self {
        let detail = format!("The key that you are signed in with does not hold {permission}.");
        Self::new(ErrorCode::InsufficientPermissions, detail)
    }

    /// A form that did not come from one of the console's own pages, or from one of another session.
    pub(crate) fn foreign_form() -> Self {
        let detail =
            "This form was not sent from a current page of the console. Open the page anew and try again.";
        Self::new(ErrorCode::InsufficientPermissions, detail)
    }

    /// The visitor is signed in, and is where their key may not be used.
    pub(crate) fn wrong_address(form_token: FormToken) -> Self {
        let detail =
            "The key that you are signed in with may not be used from your address. Sign out to use another.";
        Self { sign_out: Some(Box::new(form_token)), ..Self::new(ErrorCode::IpNotAllowed, detail) }
    }

    /// A form that was opened for another organization than is shown by now.
    pub(crate) fn switched(shown: &str) -> Self {
        let detail = format!(
            "You have switched to {shown} since this form was opened. Open it anew. Nothing was done."
        );
        Self::new(ErrorCode::Conflict, detail)
    }

    /// A form that was opened for an organization that is gone.
    pub(crate) fn organization_gone(shown: &str) -> Self {
        let detail = format!(
            "The organization that this form was opened for is deleted. You see {shown} now. Nothing was done."
        );
        Self::new(ErrorCode::Conflict, detail)
    }

    /// Nobody can tell right now.
    pub(crate) fn unavailable() -> Self {
        let detail = "The server cannot answer right now. Nothing was admitted. Try again in a moment.";
        Self::new(ErrorCode::Unavailable, detail)
    }

    /// The whole answer, in the frame of whoever asked.
    pub(crate) fn page(self, frame: &Frame<'_>) -> Response {
        let (title, content) = (self.title(), self.content());
        let mut response = reply::html(self.code.status(), &layout::page(frame, title, &content));
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn content(&self) -> Markup {
        html! {
            div.empty {
                p.empty-code aria-hidden="true" { (self.code.status().as_u16()) }
                h1 { (self.title()) }
                p { (self.detail) }
                @if let Some(form_token) = self.sign_out.as_deref() {
                    form method="post" action=(SIGN_OUT) {
                        (layout::hidden_token(form_token))
                        (button::submit("Sign out"))
                    }
                } @else {
                    p { a.button href=(HOME) { "Go to API keys" } }
                }
            }
        }
    }

    const fn title(&self) -> &'static str {
        match self.code {
            ErrorCode::NotFound => "Page not found",
            ErrorCode::MethodNotAllowed => "Not possible here",
            ErrorCode::InsufficientPermissions
            | ErrorCode::IpNotAllowed
            | ErrorCode::ChannelNotAllowed
            | ErrorCode::ExceedsCaller => "Not allowed",
            ErrorCode::KeyRevoked | ErrorCode::KeyExpired | ErrorCode::Conflict => "Not possible now",
            ErrorCode::RateLimited => "Too many attempts",
            ErrorCode::Unavailable => "Not available right now",
            _ => "This request was not understood",
        }
    }
}

impl From<Unrouted> for Refusal {
    fn from(unrouted: Unrouted) -> Self {
        let Unrouted::OtherMethods(methods) = unrouted else { return Self::not_found() };
        let detail = "This address cannot be used in this way.";
        let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let header = HeaderValue::try_from(allowed).ok().map(|value| (ALLOW, value));
        Self { header, ..Self::new(ErrorCode::MethodNotAllowed, detail) }
    }
}

impl From<LimitError> for Refusal {
    fn from(error: LimitError) -> Self {
        let problem = Problem::from(error);
        Self::new(problem.code(), format!("{}.", problem.detail()))
    }
}

impl From<FieldsError> for Refusal {
    fn from(error: FieldsError) -> Self {
        let detail = format!("The request is malformed: {error}. Open the page anew and try again.");
        Self::new(ErrorCode::MalformedRequest, detail)
    }
}

impl From<HeaderError> for Refusal {
    fn from(error: HeaderError) -> Self {
        Self::new(ErrorCode::MalformedRequest, format!("The request is malformed: {error}."))
    }
}

impl From<NoRandomness> for Refusal {
    fn from(error: NoRandomness) -> Self {
        tracing::error!(%error, "a page could not be answered");
        Self::unavailable()
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        tracing::error!(%error, "no decision could be made; the visitor is refused");
        Self::unavailable()
    }
}

/// Pages that can say more of an error, beside a field for instance, match on it before.
impl From<ManageError> for Refusal {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NotFound => Self::not_found(),
            ManageError::InsufficientPermissions { permission } => Self::lacks(permission),
            ManageError::ChannelNotAllowed => Self::new(
                ErrorCode::ChannelNotAllowed,
                "The key that you are signed in with is for other channels.",
            ),
            ManageError::ExceedsCaller(excess) => {
                Self::new(ErrorCode::ExceedsCaller, sentence(&excess.to_string()))
            }
            ManageError::Invalid(_) => {
                Self::new(ErrorCode::MalformedRequest, "What was sent breaks the rules for this form.")
            }
            ManageError::KeyRevoked => {
                Self::new(ErrorCode::KeyRevoked, "The key is revoked. Reactivate it first.")
            }
            ManageError::KeyExpired => {
                Self::new(ErrorCode::KeyExpired, "The key is expired. Set a later expiration first.")
            }
            ManageError::Conflict(detail) => Self::new(ErrorCode::Conflict, sentence(detail)),
            ManageError::Entropy(_) | ManageError::Unavailable(_) => {
                tracing::error!(%error, "a page could not be answered");
                Self::unavailable()
            }
        }
    }
}

/// An error message as a sentence for people.
pub(crate) fn sentence(message: &str) -> String {
    let mut sentence = message.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence.push('.');
    sentence
}

/// How long to wait before the next attempt.
pub(crate) fn retry_after(response: &mut Response, seconds: u64) {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
}
