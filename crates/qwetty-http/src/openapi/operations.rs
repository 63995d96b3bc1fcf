//! What the table does not say of its calls, a file a noun.

mod audit;
mod authorize;
mod channels;
mod keys;
mod leaks;
mod lifecycle;
mod organizations;
mod server;
mod verify;

use super::Facts;
use super::operation::Operation;
use crate::route::Call;

/// What there is to know of a call.
pub(super) fn describe(call: Call, facts: Facts<'_>) -> Operation {
    match call {
        Call::CreateKey => keys::create(facts),
        Call::ListKeys => keys::list(),
        Call::GetKey => keys::get(),
        Call::UpdateKey => keys::update(facts),
        Call::DeleteKey => keys::delete(),
        Call::RegenerateKey => lifecycle::regenerate(),
        Call::RevokeKey => lifecycle::revoke(),
        Call::ReactivateKey => lifecycle::reactivate(),
        Call::KeyUsage => keys::usage(),
        Call::Me => keys::me(),
        Call::Permissions => keys::permissions(),
        Call::SaveChannel => channels::save(),
        Call::ListChannels => channels::list(),
        Call::DeleteChannel => channels::delete(),
        Call::ListEvents => audit::list(),
        Call::CreateOrganization => organizations::create(),
        Call::ListOrganizations => organizations::list(),
        Call::GetOrganization => organizations::get(),
        Call::UpdateOrganization => organizations::update(),
        Call::DeleteOrganization => organizations::delete(),
        Call::Verify => verify::verify(facts),
        Call::ReportLeaked => leaks::report(),
        Call::ReportGithubAlerts => leaks::github_alerts(),
        Call::Authorize => authorize::authorize(),
        Call::AuthorizeEnvoy => authorize::authorize_envoy(),
        Call::Health => server::health(),
        Call::Ready => server::ready(),
        Call::Description => server::description(),
        Call::Reference => server::reference(),
        Call::ErrorReference => server::error_reference(),
        Call::ReferenceStyle => server::reference_style(),
    }
}
