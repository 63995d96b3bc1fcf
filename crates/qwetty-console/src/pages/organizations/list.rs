use maud::{Markup, html};
use qwetty_storage::{Listing, Organization};

use super::{id, path};
use crate::notice::Notice;
use crate::pages::directory::Directory;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{HOME, NEW_ORGANIZATION, ORGANIZATIONS};
use crate::view::button;
use crate::view::icon::Icon;
use crate::view::pagination::pagination;
use crate::view::time;
use crate::visit::Visit;

/// `GET /settings/organizations`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    let directory = Directory::read(&mut visit.query)?;
    let organizations = visit.manager.organizations(&visit.caller, &directory.query()).await?;
    let content = html! {
        div.heading {
            h1 { "Organizations" }
            (button::link(NEW_ORGANIZATION, Icon::Plus, "Create organization"))
        }
        p.lead { "Everything belongs to one organization. You see the keys, channels and audit log of one at a time." }
        (directory.form(ORGANIZATIONS, "Organizations"))
        @if organizations.total == 0 {
            (Directory::nothing_matches(ORGANIZATIONS, "No organization has this in its name."))
        } @else {
            (table(visit, &directory, &organizations))
        }
    };
    Ok(visit.page("Organizations", &content))
}

/// `POST /settings/organizations/{id}/switch`
pub(crate) async fn switch(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    visit.form.finish()?;
    let organization = visit.manager.organization(&visit.caller, id(visit)?).await?;
    visit.sessions.choose_organization(&visit.session, organization.id);
    Ok(visit.done(HOME, Notice::done(format!("You now see the organization {}.", organization.name))))
}

fn table(visit: &Visit<'_>, directory: &Directory, organizations: &Listing<Organization>) -> Markup {
    html! {
        @if !organizations.items.is_empty() {
            table.cards role="table" {
                caption.visually-hidden { "Organizations" }
                thead role="rowgroup" {
                    tr role="row" {
                        @for label in ["Name", "Id", "Created", "Shown"] {
                            th role="columnheader" scope="col" { (label) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for organization in &organizations.items { (row(visit, organization)) }
                }
            }
        }
        (pagination(directory.paging, organizations.items.len(), organizations.total, |page| {
            directory.address_of_page(ORGANIZATIONS, page)
        }))
    }
}

fn row(visit: &Visit<'_>, organization: &Organization) -> Markup {
    html! {
        tr role="row" {
            th.key role="rowheader" scope="row" {
                a.key-name href=(path(organization.id)) { bdi { (organization.name) } }
                @if organization.id == visit.key.organization() { span.faint { "your key's own" } }
            }
            td role="cell" data-label="Id" { code.id { (organization.id) } }
            td role="cell" data-label="Created" { (time::relative(organization.created_at, visit.now)) }
            td role="cell" data-label="Shown" {
                @if organization.id == visit.organization {
                    "You are here"
                } @else {
                    form method="post" action={ (path(organization.id)) "/switch" } {
                        (visit.frame.form_token())
                        button.quiet.small type="submit" {
                            "Switch" span.visually-hidden { " to " (organization.name) }
                        }
                    }
                }
            }
        }
    }
}
