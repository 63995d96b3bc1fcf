use std::str::FromStr;

use qwetty::{Clock, SystemClock};
use qwetty_authz::{
    Access, ChannelScope, Channels, IpPolicy, Network, Networks, Permission, PermissionGrant, PermissionSet,
};
use qwetty_keys::{
    Digester, EventId, IssuedValue, KeyId, KeyPrefix, KeyValue, Lifecycle, OrganizationId, Timestamp,
};
use qwetty_ratelimit::Tier;
use qwetty_storage::{Action, AuditEvent, Changes, KeyRecord, Organization, Revision};
use rand::SeedableRng;
use rand::rngs::ChaCha20Rng;

/// Makes what a store holds: the same values in every run, made at the time of the run.
#[derive(Debug)]
pub struct Records {
    rng: ChaCha20Rng,
    digester: Digester,
    now: Timestamp,
}

/// A key with its value, which a store never sees.
#[derive(Debug)]
pub struct Key {
    /// The value that a client would present.
    pub value: KeyValue,
    /// The record behind it.
    pub record: KeyRecord,
}

impl Records {
    /// Permissions that each key holds.
    pub const PERMISSIONS: [&str; 2] = ["chats:read", "messages:send"];
    /// Networks that each key may be used from.
    pub const NETWORKS: [&str; 4] = ["192.0.2.1", "198.51.100.0/24", "2001:db8::/32", "203.0.113.0/24"];
    /// The one channel that each key is scoped to.
    pub const CHANNEL: &str = "wa-main";

    /// A maker that always draws the same random bits from this seed.
    pub fn seeded(seed: u64) -> Self {
        Self {
            rng: ChaCha20Rng::seed_from_u64(seed),
            digester: Digester::new(None),
            now: SystemClock::new().now().wall,
        }
    }

    /// The time at which everything is made.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A key value that no record has.
    pub fn value(&mut self) -> KeyValue {
        KeyValue::generate(KeyPrefix::QWETTY, &mut self.rng).unwrap()
    }

    /// A new organization.
    pub fn organization(&mut self) -> Organization {
        Organization {
            id: OrganizationId::generate(self.now, &mut self.rng).unwrap(),
            name: text("Benchmarks"),
            created_at: self.now,
            updated_at: self.now,
            revision: Revision::FIRST,
        }
    }

    /// A new key of the standard tier with two permissions, four networks and one channel.
    pub fn key(&mut self, organization: OrganizationId) -> Key {
        let value = self.value();
        let issued = IssuedValue { digest: self.digester.digest_value(&value), start: value.start() };
        let record = KeyRecord {
            id: KeyId::generate(self.now, &mut self.rng).unwrap(),
            organization,
            name: text("CRM Integration"),
            description: None,
            access: access(),
            tier: Tier::Standard,
            lifecycle: Lifecycle::issue(issued, None),
            created_at: self.now,
            updated_at: self.now,
            created_by: None,
            revision: Revision::FIRST,
        };
        Key { value, record }
    }

    /// The event that stores want beside a new organization, or beside a new key.
    pub fn event(&mut self, action: Action, organization: OrganizationId, key: Option<KeyId>) -> AuditEvent {
        AuditEvent {
            id: EventId::generate(self.now, &mut self.rng).unwrap(),
            at: self.now,
            action,
            actor: None,
            organization,
            key,
            channel: None,
            address: None,
            request_id: None,
            changes: Changes::new(),
        }
    }
}

fn access() -> Access {
    let permissions = Records::PERMISSIONS.map(text::<Permission>);
    let networks: Vec<Network> = Records::NETWORKS.map(text).into();
    let channels = Channels::try_from(vec![text(Records::CHANNEL)]).unwrap();
    Access {
        permissions: PermissionGrant::Only(PermissionSet::from_permissions(permissions).unwrap()),
        channels: ChannelScope::Only(channels),
        networks: IpPolicy::Only(Networks::try_from(networks).unwrap()),
    }
}

fn text<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a fixture's text is well-formed")
}
