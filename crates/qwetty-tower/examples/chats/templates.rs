//! Templates: each belongs to the channel that approved it, and is sent into a chat on that channel.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::admitted::Admitted;
use crate::chats::OfChannel;
use crate::desk::{Desk, Desks, Message, Template};

pub(crate) fn routes() -> Router<Arc<Desks>> {
    Router::new()
        .route("/api/v1/templates", get(list))
        .route("/api/v1/templates/{id}", get(one))
        .route("/api/v1/templates/{id}/send", post(send))
}

/// Where to send a template.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sending {
    chat_id: String,
}

fn find(desk: &Desk, admitted: &Admitted, id: &str) -> Option<Template> {
    let mut shown = desk.templates.iter().filter(|template| admitted.reaches(template.channel_id));
    shown.find(|template| template.id == id).cloned()
}

async fn list(
    State(desks): State<Arc<Desks>>,
    admitted: Admitted,
    Query(asked): Query<OfChannel>,
) -> Response {
    desks.at(admitted.organization(), |desk| {
        let is_shown = |channel: &str| admitted.reaches(channel) && asked.is_for(channel);
        let templates: Vec<_> =
            desk.templates.iter().filter(|template| is_shown(template.channel_id)).collect();
        Json(json!({ "data": templates })).into_response()
    })
}

async fn one(State(desks): State<Arc<Desks>>, admitted: Admitted, Path(id): Path<String>) -> Response {
    desks.at(admitted.organization(), |desk| match find(desk, &admitted, &id) {
        Some(template) => Json(json!({ "data": template })).into_response(),
        None => admitted.not_found(),
    })
}

async fn send(
    State(desks): State<Arc<Desks>>,
    admitted: Admitted,
    Path(id): Path<String>,
    Json(sending): Json<Sending>,
) -> Response {
    desks.at(admitted.organization(), |desk| {
        let Some(template) = find(desk, &admitted, &id) else {
            return admitted.not_found();
        };
        let message = Message { id: desk.next("message"), from: "us", text: template.text.to_owned() };
        // A chat that the key reaches, on the template's own channel.
        let fits = |channel: &str| admitted.reaches(channel) && channel == template.channel_id;
        let Some(chat) = desk.chat(&sending.chat_id, fits) else {
            return admitted.not_found();
        };
        chat.messages.push(message.clone());
        (StatusCode::CREATED, Json(json!({ "data": message }))).into_response()
    })
}
