use http::StatusCode;
use maud::{Markup, html};
use qwetty::{KeyList, ManageError};
use qwetty_keys::{Name, OrganizationId};
use qwetty_storage::{KeySort, Order, Organization, Page};

use super::{id, path};
use crate::fields::FieldsError;
use crate::notice::Notice;
use crate::pages::faults::{Faults, confirms};
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::ORGANIZATIONS;
use crate::view::field::{Field, Kind};
use crate::view::pagination::grouped;
use crate::view::{button, time};
use crate::visit::Visit;

/// The organization, what was typed of it, and what is wrong with that.
struct Settings {
    organization: Organization,
    keys: u64,
    name: String,
    confirmation: String,
    faults: Faults,
}

/// `GET /settings/organizations/{id}`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let settings = Settings::read(visit, id(visit)?).await?;
    Ok(settings.page(visit, StatusCode::OK))
}

/// `POST /settings/organizations/{id}`
pub(crate) async fn rename(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let typed = visit.form.one("name")?.ok_or(FieldsError::Value("name"))?;
    visit.form.finish()?;
    let id = id(visit)?;
    match typed.parse::<Name>() {
        Ok(name) => {
            let organization = visit.manager.rename_organization(&visit.caller, id, name).await?;
            let told = format!("The organization is called {}.", organization.name);
            Ok(visit.done(&path(id), Notice::done(told)))
        }
        Err(error) => {
            let mut settings = Settings { name: typed, ..Settings::read(visit, id).await? };
            settings.faults.add("name", error);
            Ok(settings.page(visit, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `POST /settings/organizations/{id}/delete`
pub(crate) async fn delete(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let typed = visit.form.one("confirmation")?.ok_or(FieldsError::Value("confirmation"))?;
    visit.form.finish()?;
    let mut settings = Settings::read(visit, id(visit)?).await?;
    if !confirms(&typed, settings.organization.name.as_str()) {
        settings.confirmation = typed;
        settings.faults.add("confirmation", "this is another one; type it as it stands above");
        return Ok(settings.page(visit, StatusCode::UNPROCESSABLE_ENTITY));
    }
    match visit.manager.delete_organization(&visit.caller, settings.organization.id).await {
        Ok(()) => {
            let told = format!("The organization {} is deleted.", settings.organization.name);
            Ok(visit.done(ORGANIZATIONS, Notice::done(told)))
        }
        // Somebody gave it a key meanwhile, or this form is an old one.
        Err(ManageError::Conflict(_)) => {
            Ok(Settings::read(visit, settings.organization.id).await?.page(visit, StatusCode::CONFLICT))
        }
        Err(error) => Err(error.into()),
    }
}

impl Settings {
    async fn read(visit: &Visit<'_>, id: OrganizationId) -> Result<Self, Refusal> {
        let organization = visit.manager.organization(&visit.caller, id).await?;
        let name = organization.name.to_string();
        let keys = KeyList {
            organization: Some(id),
            search: None,
            status: None,
            sort: KeySort::default(),
            order: Order::default(),
            page: Page { offset: 0, limit: 1 },
        };
        let keys = visit.manager.list(&visit.caller, keys).await?.total;
        Ok(Self { organization, keys, name, confirmation: String::new(), faults: Faults::default() })
    }

    fn page(&self, visit: &Visit<'_>, status: StatusCode) -> Response {
        let organization = &self.organization;
        let content = html! {
            p { a href=(ORGANIZATIONS) { "Organizations" } }
            div.heading {
                h1 { bdi { (organization.name) } }
                @if organization.id != visit.organization {
                    form method="post" action={ (path(organization.id)) "/switch" } {
                        (visit.frame.form_token())
                        (button::submit("Switch to it"))
                    }
                }
            }
            (self.faults.banner())
            dl.facts {
                div { dt { "Id" } dd { code.id { (organization.id) } } }
                div { dt { "Created" } dd { (time::relative(organization.created_at, visit.now)) } }
                div { dt { "Changed" } dd { (time::relative(organization.updated_at, visit.now)) } }
                div { dt { "Keys" } dd { (grouped(self.keys)) } }
            }
            (self.rename_form(visit))
            (self.delete_form(visit))
        };
        visit.page_of(status, "Organization", &content)
    }

    fn rename_form(&self, visit: &Visit<'_>) -> Markup {
        let errors = self.faults.of("name");
        let field = Field { errors: &errors, is_required: true, ..Field::new("name", "Name") };
        html! {
            form.card.narrow method="post" action=(path(self.organization.id)) {
                (visit.frame.form_token())
                h2 { "Rename" }
                (field.line(Kind::Text, &self.name))
                (button::submit("Save name"))
            }
        }
    }

    fn delete_form(&self, visit: &Visit<'_>) -> Markup {
        let errors = self.faults.of("confirmation");
        let field = Field {
            hint: Some("Type the name of the organization."),
            errors: &errors,
            is_required: true,
            ..Field::new("confirmation", "Name, to confirm")
        };
        html! {
            section.card.narrow {
                h2 { "Delete" }
                @if self.keys == 0 {
                    p { "The organization goes for good, and its channels with it. Its audit log stays." }
                    form method="post" action={ (path(self.organization.id)) "/delete" } {
                        (visit.frame.form_token())
                        (field.line(Kind::Text, &self.confirmation))
                        button.danger type="submit" { "Delete organization" }
                    }
                } @else {
                    p {
                        "An organization that has keys cannot be deleted. This one has "
                        @if self.keys == 1 { "1 key" } @else { (grouped(self.keys)) " keys" }
                        ": delete them first."
                    }
                }
            }
        }
    }
}
