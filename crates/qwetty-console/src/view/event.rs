use maud::{Markup, html};
use qwetty_keys::Timestamp;
use qwetty_storage::{Action, AuditEvent, Change};
use serde_json::Value;

use super::time;

/// What happened, in the product's words.
pub(crate) const fn label(action: Action) -> &'static str {
    match action {
        Action::KeyCreated => "Key created",
        Action::KeyUpdated => "Key changed",
        Action::KeyRegenerated => "Key regenerated",
        Action::KeyRevoked => "Key revoked",
        Action::KeyReactivated => "Key reactivated",
        Action::KeyDeleted => "Key deleted",
        Action::KeyGrantRefused => "Grant refused",
        Action::ChannelSaved => "Channel saved",
        Action::ChannelDeleted => "Channel deleted",
        Action::OrganizationCreated => "Organization created",
        Action::OrganizationUpdated => "Organization renamed",
        Action::OrganizationDeleted => "Organization deleted",
    }
}

/// Who did it, by the name that its key had then.
pub(crate) fn actor(event: &AuditEvent) -> Markup {
    html! {
        @match &event.actor {
            Some(actor) => bdi { (actor.name) },
            None => span.faint { "the owner of the server" },
        }
    }
}

/// What changed, and how it was done: folded up under the names of what changed.
pub(crate) fn details(event: &AuditEvent) -> Markup {
    let kind = Kind::of(event);
    let mut fields: Vec<_> = event.changes.iter().filter(|(field, _)| !is_told_elsewhere(field)).collect();
    // What something is called comes before all else that there is to say of it.
    fields.sort_by_key(|(field, _)| *field != "name");
    html! {
        details.event {
            summary { (summary(&fields)) }
            dl {
                @for (field, change) in &fields {
                    dt { (capitalized(field_label(field))) }
                    dd { (told(kind, field, change)) }
                }
                @if let Some(id) = &event.request_id { dt { "Request" } dd { code { (id) } } }
                dt { "Event" } dd { code { (event.id) } }
            }
        }
    }
}

/// What became of that of which an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It was not there before, so all of it is new.
    CameToBe,
    /// It is not there any more.
    Went,
    Changed,
}

impl Kind {
    fn of(event: &AuditEvent) -> Self {
        match event.changes.get("name") {
            Some(name) if name.from.is_null() => Self::CameToBe,
            Some(name) if name.to.is_null() => Self::Went,
            _ => Self::Changed,
        }
    }
}

/// The names of what changed.
fn summary(fields: &[(&String, &Change)]) -> String {
    let names: Vec<&str> = fields.iter().map(|(field, _)| field_label(field)).collect();
    if names.is_empty() { "Details".to_owned() } else { capitalized(&names.join(", ")) }
}

/// The instants of a revocation and of a regeneration are those of their events.
fn is_told_elsewhere(field: &str) -> bool {
    matches!(field, "revokedAt" | "regeneratedAt")
}

/// What a field is called, within a sentence.
fn field_label(field: &str) -> &str {
    match field {
        "channelScopes" => "channels",
        "ipWhitelist" => "IP whitelist",
        "expiresAt" => "expiration",
        "start" => "start of the value",
        "previousValueExpiresAt" => "end of the older value",
        "revocationReason" => "reason",
        "attempted" => "attempt",
        "own_key" => "the key itself",
        "operator_key" => "an operator's key",
        other => other,
    }
}

fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn told(kind: Kind, field: &str, change: &Change) -> Markup {
    html! {
        @match kind {
            Kind::CameToBe => (value(field, &change.to)),
            Kind::Went => del { (value(field, &change.from)) },
            // What was tried, or said of it, has no value before it.
            Kind::Changed if change.from.is_null() && !is_a_restriction(field) => (value(field, &change.to)),
            Kind::Changed => {
                del { span.visually-hidden { "was " } (value(field, &change.from)) }
                " → "
                ins { span.visually-hidden { "became " } (value(field, &change.to)) }
            },
        }
    }
}

/// Where nothing means everything, which is worth a word.
fn is_a_restriction(field: &str) -> bool {
    matches!(field, "channelScopes" | "ipWhitelist" | "expiresAt")
}

fn value(field: &str, value: &Value) -> Markup {
    html! {
        @match value {
            Value::Null => (nothing(field)),
            Value::String(text) => (string(field, text)),
            Value::Array(items) => {
                @for (index, item) in items.iter().enumerate() {
                    @if index > 0 { ", " }
                    (self::value(field, item))
                }
            },
            other => (other),
        }
    }
}

fn nothing(field: &str) -> &'static str {
    match field {
        "channelScopes" => "every channel",
        "ipWhitelist" => "every address",
        "expiresAt" => "never",
        _ => "none",
    }
}

fn string(field: &str, text: &str) -> Markup {
    let instant: Option<Timestamp> = if field.ends_with("At") { text.parse().ok() } else { None };
    html! {
        @match (instant, field) {
            (_, "attempted") => (text.parse().map_or(text, |action: Action| label(action))),
            (_, "exceeded") => (field_label(text)),
            (Some(at), _) => time datetime=(at) { (time::exact(at)) },
            (None, "permissions" | "channelScopes" | "ipWhitelist" | "start") => code { (text) },
            (None, _) => bdi { (text) },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn between(field: &str, from: Value, to: Value) -> String {
        told(Kind::Changed, field, &Change { from, to }).0
    }

    #[test]
    fn what_came_to_be_is_told_alone_and_what_changed_with_what_it_was() {
        let scopes = Change { from: Value::Null, to: json!(["wa"]) };
        assert_eq!(told(Kind::CameToBe, "channelScopes", &scopes).0, "<code>wa</code>");
        let gone = Change { from: json!("<CRM>"), to: Value::Null };
        assert_eq!(told(Kind::Went, "name", &gone).0, "<del><bdi>&lt;CRM&gt;</bdi></del>");
        let changed = between("tier", json!("standard"), json!("admin"));
        assert!(changed.contains("standard") && changed.contains(" → ") && changed.contains("admin"));
    }

    #[test]
    fn no_restriction_is_told_as_what_it_means() {
        for (field, words) in
            [("channelScopes", "every channel"), ("ipWhitelist", "every address"), ("expiresAt", "never")]
        {
            assert!(between(field, Value::Null, json!(["a"])).contains(words), "{field}");
            assert!(between(field, json!(["a"]), Value::Null).contains(words), "{field}");
        }
    }

    #[test]
    fn instants_and_what_was_refused_are_told_in_words() {
        let expiry = between("expiresAt", Value::Null, json!("2030-01-01T12:00:00Z"));
        assert!(expiry.contains("1 January 2030, 12:00:00 UTC"), "{expiry}");
        assert_eq!(between("attempted", Value::Null, json!("key.created")), "Key created");
        assert_eq!(between("exceeded", Value::Null, json!("channelScopes")), "channels");
    }
}
