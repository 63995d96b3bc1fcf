use http::StatusCode;
use maud::html;
use qwetty_keys::Name;

use crate::fields::FieldsError;
use crate::notice::Notice;
use crate::pages::faults::Faults;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{NEW_ORGANIZATION, ORGANIZATIONS};
use crate::view::button;
use crate::view::field::{Field, Kind};
use crate::visit::Visit;

/// `GET /settings/organizations/new`
pub(crate) fn form(visit: &Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    Ok(page(visit, StatusCode::OK, "", &Faults::default()))
}

/// `POST /settings/organizations/new`
pub(crate) async fn create(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let typed = visit.form.one("name")?.ok_or(FieldsError::Value("name"))?;
    visit.form.finish()?;
    let name: Name = match typed.parse() {
        Ok(name) => name,
        Err(error) => {
            let mut faults = Faults::default();
            faults.add("name", error);
            return Ok(page(visit, StatusCode::UNPROCESSABLE_ENTITY, &typed, &faults));
        }
    };
    let organization = visit.manager.create_organization(&visit.caller, name).await?;
    let told = format!("The organization {} is created. Switch to it to give it keys.", organization.name);
    Ok(visit.done(ORGANIZATIONS, Notice::done(told)))
}

fn page(visit: &Visit<'_>, status: StatusCode, typed: &str, faults: &Faults) -> Response {
    let errors = faults.of("name");
    let field = Field {
        hint: Some("1 to 100 characters, for people."),
        errors: &errors,
        is_required: true,
        ..Field::new("name", "Name")
    };
    let content = html! {
        p { a href=(ORGANIZATIONS) { "Organizations" } }
        h1 { "Create organization" }
        (faults.banner())
        form.card.narrow method="post" action=(NEW_ORGANIZATION) {
            (visit.frame.form_token())
            (field.line(Kind::Text, typed))
            div.actions {
                (button::submit("Create organization"))
                a href=(ORGANIZATIONS) { "Cancel" }
            }
        }
    };
    visit.page_of(status, "Create organization", &content)
}
