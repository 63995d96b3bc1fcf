//! The product's own data, in memory: each organization begins with the same sample.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use qwetty_keys::OrganizationId;
use serde::Serialize;

/// Every organization's desk.
#[derive(Default)]
pub(crate) struct Desks {
    by_organization: Mutex<HashMap<OrganizationId, Desk>>,
}

impl Desks {
    /// Works at one organization's desk. Nobody gets at another's.
    pub(crate) fn at<T>(&self, organization: OrganizationId, work: impl FnOnce(&mut Desk) -> T) -> T {
        let mut desks = self.by_organization.lock().unwrap_or_else(PoisonError::into_inner);
        work(desks.entry(organization).or_insert_with(Desk::sample))
    }
}

/// What one organization has.
pub(crate) struct Desk {
    pub(crate) chats: Vec<Chat>,
    pub(crate) contacts: Vec<Contact>,
    pub(crate) templates: Vec<Template>,
    made: usize,
}

/// A conversation with one contact on one channel.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chat {
    pub(crate) id: String,
    pub(crate) channel_id: &'static str,
    pub(crate) contact_id: String,
    #[serde(skip)]
    pub(crate) messages: Vec<Message>,
}

/// What one of the two said.
#[derive(Clone, Serialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) from: &'static str,
    pub(crate) text: String,
}

/// Somebody to chat with, on whichever channel.
#[derive(Clone, Serialize)]
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A message that was approved beforehand, on the channel that approved it.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) channel_id: &'static str,
    pub(crate) text: &'static str,
}

impl Desk {
    fn sample() -> Self {
        let mut desk = Self { chats: Vec::new(), contacts: Vec::new(), templates: Vec::new(), made: 0 };
        for (channel_id, name, text) in
            [("wa-sales", "Ada", "Is the red one in stock?"), ("ig-shop", "Grace", "Do you ship to Bern?")]
        {
            let contact_id = desk.next("contact");
            desk.contacts.push(Contact { id: contact_id.clone(), name: name.to_owned() });
            let message = Message { id: desk.next("message"), from: "contact", text: text.to_owned() };
            let id = desk.next("chat");
            desk.chats.push(Chat { id, channel_id, contact_id, messages: vec![message] });
            let id = desk.next("template");
            desk.templates.push(Template { id, channel_id, text: "Your order is on its way." });
        }
        desk
    }

    /// A chat that `reaches` lets through: everything that is about one chat goes through here.
    pub(crate) fn chat(&mut self, id: &str, reaches: impl Fn(&str) -> bool) -> Option<&mut Chat> {
        self.chats.iter_mut().find(|chat| chat.id == id && reaches(chat.channel_id))
    }

    /// A new id.
    pub(crate) fn next(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}_{}", self.made)
    }
}
