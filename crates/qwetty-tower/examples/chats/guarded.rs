//! The whole API behind the layer.

use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use qwetty::Engine;
use qwetty_guard::{RequestIds, RouteTable};
use qwetty_tower::Guard;

use crate::desk::Desks;
use crate::{chats, contacts, templates};

/// Every call of the API. What the route table does not map is refused, also what is added here and forgotten there.
pub(crate) fn app(engine: &Engine, ids: RequestIds) -> Router {
    let guard = Guard::new(engine.verifier(), ids)
        .peer_from(|request| request.extensions.get().map(|&ConnectInfo(peer)| peer));
    Router::new()
        .merge(chats::routes())
        .merge(contacts::routes())
        .merge(templates::routes())
        .with_state(Arc::new(Desks::default()))
        .layer(guard.by(RouteTable::qwetty()))
}
