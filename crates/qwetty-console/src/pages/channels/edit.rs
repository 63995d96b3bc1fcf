use http::StatusCode;
use maud::{Markup, html};
use qwetty::ManageError;
use qwetty_authz::{ChannelId, ChannelScope};
use qwetty_keys::Name;
use qwetty_storage::{Channel, ChannelKind};

use super::{address, find, kind_label, may_change, named};
use crate::fields::{Fields, FieldsError};
use crate::notice::Notice;
use crate::pages::faults::Faults;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{CHANNELS, EDIT_CHANNEL, NEW_CHANNEL};
use crate::view::button;
use crate::view::field::{Choice, Field, Kind};
use crate::visit::Visit;

/// The form of a channel: what was typed, and what is wrong with it.
#[derive(Default)]
struct Form {
    /// The channel to change; `None` for a new one.
    channel: Option<Channel>,
    id: String,
    name: String,
    kind: Option<ChannelKind>,
    faults: Faults,
}

/// `GET /settings/channels/new`
pub(crate) fn new(visit: &Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    Ok(Form::default().page(visit, StatusCode::OK))
}

/// `POST /settings/channels/new`
pub(crate) async fn add(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let id = visit.form.one("id")?.ok_or(FieldsError::Value("id"))?;
    let mut form = Form { id, ..Form::read(&mut visit.form)? };
    let channel = form.id.trim().parse::<ChannelId>();
    match &channel {
        Err(error) => form.faults.add("id", error),
        Ok(id) if !may_change(visit, id.as_str()) => form.faults.add("id", "your key is for other channels"),
        // Saving would change it, which is not what adding is for.
        Ok(id) if find(visit, id).await?.is_some() => {
            form.faults
                .add("id", "there is a channel with this id already; choose another, or edit that one");
        }
        Ok(_) => {}
    }
    form.save(visit, channel.ok(), "added").await
}

/// `GET /settings/channels/edit?channel=…`
pub(crate) async fn form(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    let channel = chosen(visit).await?;
    let (name, kind) = (channel.name.to_string(), Some(channel.kind));
    Ok(Form { channel: Some(channel), name, kind, ..Form::default() }.page(visit, StatusCode::OK))
}

/// `POST /settings/channels/edit?channel=…`
pub(crate) async fn change(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    let channel = chosen(visit).await?;
    let id = channel.id.clone();
    let form = Form { channel: Some(channel), ..Form::read(&mut visit.form)? };
    form.save(visit, Some(id), "saved").await
}

/// The channel in the address, if the visitor may change it.
async fn chosen(visit: &mut Visit<'_>) -> Result<Channel, Refusal> {
    let mut query = std::mem::take(&mut visit.query);
    let channel = named(visit, &mut query).await?;
    query.finish()?;
    if may_change(visit, channel.id.as_str()) {
        Ok(channel)
    } else {
        Err(ManageError::ChannelNotAllowed.into())
    }
}

impl Form {
    fn read(fields: &mut Fields) -> Result<Self, FieldsError> {
        let name = fields.one("name")?.ok_or(FieldsError::Value("name"))?;
        let kind = fields.choice("type", |text| text.parse().ok())?.ok_or(FieldsError::Value("type"))?;
        fields.finish()?;
        Ok(Self { name, kind: Some(kind), ..Self::default() })
    }

    async fn save(
        mut self,
        visit: &Visit<'_>,
        id: Option<ChannelId>,
        done: &str,
    ) -> Result<Response, Refusal> {
        let name = self.name.parse::<Name>().map_err(|error| self.faults.add("name", error));
        let (Some(id), Ok(name), Some(kind), true) = (id, name, self.kind, self.faults.is_empty()) else {
            return Ok(self.page(visit, StatusCode::UNPROCESSABLE_ENTITY));
        };
        let organization = Some(visit.organization);
        let channel = visit.manager.save_channel(&visit.caller, organization, &id, name, kind).await?;
        Ok(visit.done(CHANNELS, Notice::done(format!("The channel {} is {done}.", channel.name))))
    }

    fn page(&self, visit: &Visit<'_>, status: StatusCode) -> Response {
        let (title, path, submit) = match &self.channel {
            Some(channel) => ("Edit channel", address(EDIT_CHANNEL, &channel.id), "Save channel"),
            None => ("Add channel", NEW_CHANNEL.to_owned(), "Add channel"),
        };
        let content = html! {
            p { a href=(CHANNELS) { "Channels" } }
            h1 { (title) }
            (self.faults.banner())
            form.card.narrow method="post" action=(path) {
                (visit.frame.form_token())
                (self.id_field(visit))
                (self.name_field())
                (self.kind_field())
                div.actions {
                    (button::submit(submit))
                    a href=(CHANNELS) { "Cancel" }
                }
            }
        };
        visit.page_of(status, title, &content)
    }

    /// The id of a channel that there is stays as it is.
    fn id_field(&self, visit: &Visit<'_>) -> Markup {
        if let Some(channel) = &self.channel {
            return html! { dl.facts { div { dt { "Id" } dd { code.id { (channel.id) } } } } };
        }
        let errors = self.faults.of("id");
        let field = Field {
            hint: Some(
                "What your programs call it: 1 to 64 letters, digits, dots, hyphens and underscores. It stays for good.",
            ),
            errors: &errors,
            is_required: true,
            ..Field::new("id", "Id")
        };
        html! {
            @if let ChannelScope::Only(channels) = &visit.key.access().channels {
                p.hint {
                    "Your key is for these channels alone: "
                    @for (index, channel) in channels.iter().enumerate() {
                        @if index > 0 { ", " }
                        code { (channel) }
                    }
                }
            }
            (field.line(Kind::Text, &self.id))
        }
    }

    fn name_field(&self) -> Markup {
        let errors = self.faults.of("name");
        let field = Field {
            hint: Some("1 to 100 characters, for people."),
            errors: &errors,
            is_required: true,
            ..Field::new("name", "Name")
        };
        field.line(Kind::Text, &self.name)
    }

    fn kind_field(&self) -> Markup {
        let choices = ChannelKind::ALL.map(|kind| Choice {
            value: kind.as_str(),
            label: kind_label(kind),
            hint: None,
            is_chosen: self.kind == Some(kind),
        });
        Field::new("type", "Type").select(&choices)
    }
}
