//! Contacts. They are tied to no channel, so channel scopes do not concern them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::admitted::Admitted;
use crate::desk::{Contact, Desks};

pub(crate) fn routes() -> Router<Arc<Desks>> {
    Router::new()
        .route("/api/v1/contacts", get(list).post(create))
        .route("/api/v1/contacts/{id}", get(one).put(rename).patch(rename).delete(remove))
}

/// What there is to say of a contact.
#[derive(Deserialize)]
struct NewContact {
    name: String,
}

async fn list(State(desks): State<Arc<Desks>>, admitted: Admitted) -> Response {
    desks.at(admitted.organization(), |desk| Json(json!({ "data": desk.contacts })).into_response())
}

async fn create(
    State(desks): State<Arc<Desks>>,
    admitted: Admitted,
    Json(new): Json<NewContact>,
) -> Response {
    desks.at(admitted.organization(), |desk| {
        let contact = Contact { id: desk.next("contact"), name: new.name };
        desk.contacts.push(contact.clone());
        (StatusCode::CREATED, Json(json!({ "data": contact }))).into_response()
    })
}

async fn one(State(desks): State<Arc<Desks>>, admitted: Admitted, Path(id): Path<String>) -> Response {
    desks.at(admitted.organization(), |desk| match desk.contacts.iter().find(|contact| contact.id == id) {
        Some(contact) => Json(json!({ "data": contact })).into_response(),
        None => admitted.not_found(),
    })
}

async fn rename(
    State(desks): State<Arc<Desks>>,
    admitted: Admitted,
    Path(id): Path<String>,
    Json(new): Json<NewContact>,
) -> Response {
    desks.at(admitted.organization(), |desk| {
        match desk.contacts.iter_mut().find(|contact| contact.id == id) {
            Some(contact) => {
                contact.name = new.name;
                Json(json!({ "data": contact })).into_response()
            }
            None => admitted.not_found(),
        }
    })
}

async fn remove(State(desks): State<Arc<Desks>>, admitted: Admitted, Path(id): Path<String>) -> Response {
    desks.at(admitted.organization(), |desk| {
        match desk.contacts.iter().position(|contact| contact.id == id) {
            Some(position) => {
                desk.contacts.remove(position);
                StatusCode::NO_CONTENT.into_response()
            }
            None => admitted.not_found(),
        }
    })
}
