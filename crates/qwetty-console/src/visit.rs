//! One request of somebody who is signed in: what a page is made from.

use std::net::IpAddr;

use http::StatusCode;
use maud::Markup;
use qwetty::{Caller, Engine, KeyManager, ManageError, VerifiedKey};
use qwetty_authz::Catalogue;
use qwetty_keys::{OrganizationId, Timestamp};

use crate::fields::Fields;
use crate::notice::Notice;
use crate::once::Once;
use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::session::Sessions;
use crate::token::{Token, Tokens};
use crate::view::{Frame, layout};

/// What a page reads and does: the visitor, what was asked, and the engine to ask in turn.
pub(crate) struct Visit<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) manager: &'a KeyManager,
    /// The visitor, for the engine.
    pub(crate) caller: Caller,
    /// The visitor's key, as it was judged for this request.
    pub(crate) key: VerifiedKey,
    /// Whose things are shown; another organization than the key's own only for an operator.
    pub(crate) organization: OrganizationId,
    /// The visitor's address, as far as it is known.
    pub(crate) address: Option<IpAddr>,
    /// The id in the path, if the route has one.
    pub(crate) id: Option<String>,
    /// The parameters of the address.
    pub(crate) query: Fields,
    /// The fields of the form, for a post; its token is checked and taken out.
    pub(crate) form: Fields,
    /// Where the API is, as the visitor reaches it: `https://keys.example`.
    pub(crate) base: String,
    /// When the request came.
    pub(crate) now: Timestamp,
    pub(crate) frame: Frame<'a>,
    pub(crate) sessions: &'a Sessions,
    pub(crate) session: Token,
    pub(crate) tokens: &'a Tokens,
}

impl Visit<'_> {
    /// Whether the visitor's key holds a permission. What it lacks is not offered.
    pub(crate) fn may(&self, permission: &str) -> bool {
        self.key.access().permissions.allows(self.engine.catalogue(), permission)
    }

    /// The permissions that there are, and their labels.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        self.engine.catalogue()
    }

    /// A page with this title and content.
    pub(crate) fn page(&self, title: &str, content: &Markup) -> Response {
        self.page_of(StatusCode::OK, title, content)
    }

    /// The same with another status: 422 for a form that is shown again with its faults.
    pub(crate) fn page_of(&self, status: StatusCode, title: &str, content: &Markup) -> Response {
        reply::html(status, &layout::page(&self.frame, title, content))
    }

    /// What makes a form that is shown now count once, however often it is sent.
    pub(crate) fn once(&self) -> Result<Once, Refusal> {
        Ok(Once::new(self.tokens.draw()?))
    }

    /// Whether a form comes for the first time. It does not the next time.
    pub(crate) fn is_first(&self, once: &Once) -> bool {
        self.sessions.is_first(&self.session, once)
    }

    /// What a form asked for was refused for this reason. It may come again, unless it may have been done all the same.
    pub(crate) fn not_done(&self, once: &Once, error: &ManageError) {
        if !matches!(error, ManageError::Unavailable(_)) {
            self.sessions.give_back(&self.session, once);
        }
    }

    /// After something was done: go to this page, and say so there, once.
    pub(crate) fn done(&self, path: &str, notice: Notice) -> Response {
        self.sessions.leave_notice(&self.session, notice);
        reply::see_other(path)
    }
}
