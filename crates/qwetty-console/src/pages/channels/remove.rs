use maud::html;
use qwetty::ManageError;

use super::{address, kind_label, may_change, named};
use crate::notice::Notice;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{CHANNELS, REMOVE_CHANNEL};
use crate::visit::Visit;

/// `GET /settings/channels/remove?channel=…`
pub(crate) async fn ask(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    let mut query = std::mem::take(&mut visit.query);
    let channel = named(visit, &mut query).await?;
    query.finish()?;
    if !may_change(visit, channel.id.as_str()) {
        return Err(ManageError::ChannelNotAllowed.into());
    }
    let content = html! {
        p { a href=(CHANNELS) { "Channels" } }
        h1 { "Remove channel" }
        section.card.narrow {
            p {
                strong { bdi { (channel.name) } } " (" (kind_label(channel.kind)) ", " code.id { (channel.id) } ") "
                "will be removed from the organization."
            }
            p {
                "Keys that are limited to it stay just as limited: none of them may do more than before. If a channel with "
                "this id is added again, they are for that one."
            }
            form method="post" action=(address(REMOVE_CHANNEL, &channel.id)) {
                (visit.frame.form_token())
                div.actions {
                    button.danger type="submit" { "Remove channel" }
                    a href=(CHANNELS) { "Cancel" }
                }
            }
        }
    };
    Ok(visit.page("Remove channel", &content))
}

/// `POST /settings/channels/remove?channel=…`
pub(crate) async fn remove(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.form.finish()?;
    let mut query = std::mem::take(&mut visit.query);
    let channel = named(visit, &mut query).await?;
    query.finish()?;
    visit.manager.delete_channel(&visit.caller, Some(visit.organization), &channel.id).await?;
    Ok(visit.done(CHANNELS, Notice::done(format!("The channel {} is removed.", channel.name))))
}
