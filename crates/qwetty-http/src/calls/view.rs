use qwetty::KeyView;
use qwetty_authz::{ChannelId, ChannelScope, IpPolicy, Permission};

use crate::wire::{KeyObject, QuotaObject, Text, UsageObject};

/// A key as it goes out; with its value only where it was just made.
pub(super) fn key_object<'a>(view: &'a KeyView, value: Option<&'a str>) -> KeyObject<'a> {
    let record = &view.record;
    let lifecycle = &record.lifecycle;
    let revocation = lifecycle.revocation();
    KeyObject {
        id: Text(record.id),
        organization_id: Text(record.organization),
        name: record.name.as_str(),
        description: record.description.as_ref().map(|text| text.as_str()),
        start: lifecycle.current().start.as_str(),
        key: value,
        status: view.status.as_str(),
        permissions: names(&view.permissions),
        channel_scopes: channel_names(&record.access.channels),
        ip_whitelist: match &record.access.networks {
            IpPolicy::Any => None,
            IpPolicy::Only(networks) => Some(networks.iter().map(Text).collect()),
        },
        tier: record.tier.as_str(),
        rate_limit: QuotaObject { limit: view.quota.limit(), window_seconds: view.quota.window_seconds() },
        expires_at: lifecycle.expires_at().map(Text),
        created_at: Text(record.created_at),
        updated_at: Text(record.updated_at),
        created_by: record.created_by.map(Text),
        revoked_at: revocation.map(|revocation| Text(revocation.at)),
        revocation_reason: revocation
            .and_then(|revocation| revocation.reason.as_ref())
            .map(|reason| reason.as_str()),
        regenerated_at: lifecycle.regenerated_at().map(Text),
        previous_value_expires_at: view.previous_value_expires_at().map(Text),
        previous_value_last_used_at: view.previous_value_last_used_at().map(Text),
        usage: UsageObject {
            request_count: view.usage.request_count,
            denied_count: view.usage.denied_count,
            last_used_at: view.usage.last_used_at.map(Text),
        },
    }
}

pub(super) fn names(permissions: &[Permission]) -> Vec<&str> {
    permissions.iter().map(Permission::as_str).collect()
}

pub(super) fn channel_names(scope: &ChannelScope) -> Option<Vec<&str>> {
    match scope {
        ChannelScope::All => None,
        ChannelScope::Only(channels) => Some(channels.iter().map(ChannelId::as_str).collect()),
    }
}
