use std::collections::BTreeMap;

use http::StatusCode;
use maud::{Markup, html};
use qwetty::{EventList, ManageError};
use qwetty_keys::KeyId;
use qwetty_storage::{Action, AuditEvent, Listing, Page};

use crate::fields::{Fields, FieldsError};
use crate::misplaced::shortened;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{AUDIT_LOG, HOME};
use crate::view::empty::empty;
use crate::view::field::{Choice, Field, Kind};
use crate::view::icon::{self, Icon};
use crate::view::pagination::{Paging, pagination};
use crate::view::{event, time};
use crate::visit::Visit;

/// Which events are shown, all of it in the address of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Filter {
    /// The id of a key, as it was typed.
    key: Option<String>,
    action: Option<Action>,
    paging: Paging,
}

/// What the keys of some events are called.
type Names = BTreeMap<KeyId, KeyName>;

struct KeyName {
    name: Option<String>,
    is_deleted: bool,
}

/// `GET /settings/audit-log`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    let filter = Filter::read(&mut visit.query)?;
    let key = filter.key.as_deref().map(str::parse::<KeyId>).transpose();
    let (status, events) = match key {
        Err(_) => (StatusCode::UNPROCESSABLE_ENTITY, None),
        Ok(key) => (StatusCode::OK, events(visit, &filter, key).await?),
    };
    let is_fault = status != StatusCode::OK;
    let names = match &events {
        Some(events) => names(visit, &events.items).await?,
        None => Names::new(),
    };
    let content = html! {
        h1 { "Audit log" }
        p.lead { "Every change to keys and channels of this organization: who made it, when, and from where." }
        (filter.form(is_fault))
        @match &events {
            Some(events) if events.total > 0 => (table(visit, &filter, events, &names)),
            _ if is_fault => {},
            _ => (nothing_matches()),
        }
    };
    Ok(visit.page_of(status, "Audit log", &content))
}

/// `None` for a key that the organization never had.
async fn events(
    visit: &Visit<'_>,
    filter: &Filter,
    key: Option<KeyId>,
) -> Result<Option<Listing<AuditEvent>>, Refusal> {
    let organization = Some(visit.organization);
    let list = EventList { organization, key, action: filter.action, page: filter.paging.page_of_store() };
    match visit.manager.events(&visit.caller, list).await {
        Ok(events) => Ok(Some(events)),
        Err(ManageError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn names(visit: &Visit<'_>, events: &[AuditEvent]) -> Result<Names, Refusal> {
    let mut names = Names::new();
    for key in events.iter().filter_map(|event| event.key) {
        if names.contains_key(&key) {
            continue;
        }
        let name = match visit.manager.get(&visit.caller, key).await {
            Ok(view) => KeyName { name: Some(view.record.name.to_string()), is_deleted: false },
            Err(ManageError::NotFound) => KeyName { name: last_name(visit, key).await?, is_deleted: true },
            Err(error) => return Err(error.into()),
        };
        names.insert(key, name);
    }
    Ok(names)
}

/// What a deleted key was called at the end.
async fn last_name(visit: &Visit<'_>, key: KeyId) -> Result<Option<String>, Refusal> {
    let list = EventList {
        organization: Some(visit.organization),
        key: Some(key),
        action: Some(Action::KeyDeleted),
        page: Page { offset: 0, limit: 1 },
    };
    let deleted = visit.manager.events(&visit.caller, list).await?.items;
    let name = deleted.first().and_then(|event| event.changes.get("name")?.from.as_str());
    Ok(name.map(str::to_owned))
}

impl Filter {
    fn read(query: &mut Fields) -> Result<Self, FieldsError> {
        let key = query.filled("keyId")?.map(|typed| shortened(typed.trim().to_owned()));
        let key = key.filter(|typed| !typed.is_empty());
        let action = query.choice("action", |text| text.parse().ok())?;
        let paging = query.choice("page", Paging::parse)?.unwrap_or_default();
        query.finish()?;
        Ok(Self { key, action, paging })
    }

    fn is_narrow(&self) -> bool {
        self.key.is_some() || self.action.is_some()
    }

    fn address_of_page(&self, page: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(key) = &self.key {
            query.append_pair("keyId", key);
        }
        if let Some(action) = self.action {
            query.append_pair("action", action.as_str());
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { AUDIT_LOG.to_owned() } else { format!("{AUDIT_LOG}?{query}") }
    }

    fn form(&self, is_fault: bool) -> Markup {
        let fault = "This is no id of a key. One begins with key_ and stands on the key's page.";
        let errors: Vec<String> = is_fault.then(|| fault.to_owned()).into_iter().collect();
        let key = Field { errors: &errors, ..Field::new("keyId", "Id of a key") };
        let actions = Action::ALL.map(|action| Choice {
            value: action.as_str(),
            label: event::label(action),
            hint: None,
            is_chosen: self.action == Some(action),
        });
        let any = Choice { value: "", label: "Anything", hint: None, is_chosen: self.action.is_none() };
        html! {
            form.filter.short method="get" action=(AUDIT_LOG) role="search" aria-label="Audit log" {
                (key.line(Kind::Search, self.key.as_deref().unwrap_or_default()))
                (Field::new("action", "What happened").select(&[&[any][..], &actions].concat()))
                button.quiet type="submit" { (icon::of(Icon::Search)) "Show" }
                @if self.is_narrow() { a.clear href=(AUDIT_LOG) { "Show all events" } }
            }
        }
    }
}

fn nothing_matches() -> Markup {
    empty(
        "Nothing matches",
        &html! {
            p { "This organization's log has no such event." }
            p { a.button.quiet href=(AUDIT_LOG) { "Show all events" } }
        },
    )
}

fn table(visit: &Visit<'_>, filter: &Filter, events: &Listing<AuditEvent>, names: &Names) -> Markup {
    html! {
        @if !events.items.is_empty() {
            table.cards role="table" {
                caption.visually-hidden { "Audit log" }
                thead role="rowgroup" {
                    tr role="row" {
                        @for label in ["What", "About", "By", "From", "When", "Changes"] {
                            th role="columnheader" scope="col" { (label) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for event in &events.items { (row(visit, event, names)) }
                }
            }
        }
        (pagination(filter.paging, events.items.len(), events.total, |page| filter.address_of_page(page)))
    }
}

fn row(visit: &Visit<'_>, event: &AuditEvent, names: &Names) -> Markup {
    html! {
        tr role="row" {
            th.key role="rowheader" scope="row" { span.key-name { (event::label(event.action)) } }
            td role="cell" data-label="About" { (about(event, names)) }
            td role="cell" data-label="By" { (event::actor(event)) }
            td role="cell" data-label="From" {
                @match event.address {
                    Some(address) => code { (address) },
                    None => span.faint { "unknown" },
                }
            }
            td role="cell" data-label="When" { (time::relative(event.at, visit.now)) }
            td role="cell" data-label="Changes" { (event::details(event)) }
        }
    }
}

fn about(event: &AuditEvent, names: &Names) -> Markup {
    if let Some(channel) = &event.channel {
        return html! { "Channel " code { (channel) } };
    }
    let Some(key) = event.key else { return html! { "The organization" } };
    let known = names.get(&key);
    let name = known.and_then(|known| known.name.as_deref());
    html! {
        @match (name, known.is_some_and(|known| known.is_deleted)) {
            (Some(name), false) => a href={ (HOME) "/" (key) } { bdi { (name) } },
            (Some(name), true) => { bdi { (name) } " " span.faint { "(deleted)" } },
            (None, _) => code.id { (key) },
        }
        " "
        a.under href=(Filter { key: Some(key.to_string()), ..Filter::default() }.address_of_page(1)) {
            "Only this key"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_its_filter() {
        for query in ["", "?keyId=key_x&action=key.revoked&page=3", "?action=channel.saved", "?page=2"] {
            let mut fields = Fields::parse(query.trim_start_matches('?').as_bytes()).unwrap();
            let read = Filter::read(&mut fields).unwrap();
            assert_eq!(read.address_of_page(read.paging.number()), format!("{AUDIT_LOG}{query}"));
        }
    }
}
