//! Chats and their messages. A key that is scoped to channels sees the chats of those alone.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::admitted::Admitted;
use crate::desk::{Desks, Message};

pub(crate) fn routes() -> Router<Arc<Desks>> {
    Router::new()
        .route("/api/v1/chats", get(list))
        .route("/api/v1/chats/{id}", get(one))
        .route("/api/v1/chats/{id}/messages", get(messages).post(send))
}

/// The layer let the request through for this channel, so the key reaches it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfChannel {
    channel_id: Option<String>,
}

impl OfChannel {
    /// Whether a thing of a channel was asked for.
    pub(crate) fn is_for(&self, channel: &str) -> bool {
        self.channel_id.as_ref().is_none_or(|asked| asked == channel)
    }
}

/// What to send.
#[derive(Deserialize)]
struct NewMessage {
    text: String,
}

async fn list(
    State(desks): State<Arc<Desks>>,
    admitted: Admitted,
    Query(asked): Query<OfChannel>,
) -> Response {
    desks.at(admitted.organization(), |desk| {
        let is_shown = |channel: &str| admitted.reaches(channel) && asked.is_for(channel);
        let chats: Vec<_> = desk.chats.iter().filter(|chat| is_shown(chat.channel_id)).collect();
        Json(json!({ "data": chats })).into_response()
    })
}

async fn one(State(desks): State<Arc<Desks>>, admitted: Admitted, Path(id): Path<String>) -> Response {
    desks.at(admitted.organization(), |desk| match desk.chat(&id, |channel| admitted.reaches(channel)) {
        Some(chat) => Json(json!({ "data": chat })).into_response(),
        None => admitted.not_found(),
    })
}

async fn messages(State(desks): State<Arc<Desks>>, admitted: Admitted, Path(id): Path<String>) -> Response {
    desks.at(admitted.organization(), |desk| match desk.chat(&id, |channel| admitted.reaches(channel)) {
        Some(chat) => Json(json!({ "data": chat.messages })).into_response(),
        None => admitted.not_found(),
    })
}

async fn send(
    State(desks): State<Arc<Desks>>,
    admitted: Admitted,
    Path(id): Path<String>,
    Json(new): Json<NewMessage>,
) -> Response {
    desks.at(admitted.organization(), |desk| {
        let message = Message { id: desk.next("message"), from: "us", text: new.text };
        // By the chat's own channel, whatever the query said.
        let Some(chat) = desk.chat(&id, |channel| admitted.reaches(channel)) else {
            return admitted.not_found();
        };
        chat.messages.push(message.clone());
        (StatusCode::CREATED, Json(json!({ "data": message }))).into_response()
    })
}
