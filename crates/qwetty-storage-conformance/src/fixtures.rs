//! Records to store, made from a fixed seed: the same ones in every run.

use std::str::FromStr;
use std::time::Duration;

use qwetty_authz::{
    Access, ChannelId, ChannelScope, Channels, IpPolicy, Networks, PermissionGrant, PermissionSet,
};
use qwetty_keys::{
    Digester, EventId, IssuedValue, KeyId, KeyPrefix, KeyValue, Lifecycle, LifecycleParts, OrganizationId,
    Overlap, PreviousValue, Revocation, State, Timestamp,
};
use qwetty_ratelimit::{LimiterCell, Moment, Quota, Tier};
use qwetty_storage::{
    Action, Actor, AuditEvent, Change, Changes, Channel, ChannelKind, Hour, HourlyCounts, KeyRecord,
    Organization, Outcome, OutcomeCounts, Revision, SavedWindow, UsageBatch, UsageRow,
};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::json;

/// Makes records. Ids, values and instants never repeat.
#[derive(Debug)]
pub struct Fixtures {
    rng: ChaCha8Rng,
    now: Timestamp,
}

impl Default for Fixtures {
    fn default() -> Self {
        // 2025-10-09T08:53:20Z
        Self { rng: ChaCha8Rng::seed_from_u64(1), now: Timestamp::from_unix_micros(1_760_000_000_000_000) }
    }
}

/// A text that is known to be well-formed, as what it is.
pub fn text<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a fixture's text is well-formed")
}

/// The channel id of this text.
pub fn channel_id(id: &str) -> ChannelId {
    text(id)
}

/// Names that are allowed and that a careless store would stumble over.
pub const HOSTILE_NAMES: [&str; 10] = [
    "Robert'); DROP TABLE keys;--",
    "\"double\" 'single' `back` \\backslash\\",
    "100% _under_ *star* ?1 :name $x @y",
    "🔑🔑 emoji 👩🏽 e\u{301}",
    "Ünïcödé ΣΊΣΥΦΟΣ ẞß ığİI",
    "مفتاح واجهة",
    "a",
    "null",
    "{\"json\": [1, 2]}",
    "<script>alert(1)</script>",
];

impl Fixtures {
    /// The next instant, a little later than the last.
    pub fn instant(&mut self) -> Timestamp {
        let step = Duration::from_micros(self.rng.random_range(1..5_000_000));
        self.now = self.now.saturating_add(step);
        self.now
    }

    /// A key id that no record has.
    pub fn key_id(&mut self) -> KeyId {
        KeyId::generate(self.now, &mut self.rng).unwrap()
    }

    /// The digest and start of a new key value.
    pub fn value(&mut self) -> IssuedValue {
        let value = KeyValue::generate(KeyPrefix::QWETTY, &mut self.rng).unwrap();
        IssuedValue { digest: Digester::new(None).digest_value(&value), start: value.start() }
    }

    /// One of these numbers.
    pub fn below(&mut self, end: u32) -> u32 {
        self.rng.random_range(0..end)
    }

    /// A new organization.
    pub fn organization(&mut self) -> Organization {
        let now = self.instant();
        Organization {
            id: OrganizationId::generate(now, &mut self.rng).unwrap(),
            name: text("Organization"),
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    /// A channel of this organization.
    pub fn channel(&mut self, organization: OrganizationId, id: &str) -> Channel {
        let now = self.instant();
        Channel {
            organization,
            id: channel_id(id),
            name: text("Support"),
            kind: ChannelKind::Whatsapp,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    /// A key with nothing but what a key must have.
    pub fn key(&mut self, organization: OrganizationId) -> KeyRecord {
        let now = self.instant();
        KeyRecord {
            id: self.key_id(),
            organization,
            name: text("CRM Integration"),
            description: None,
            access: Access {
                permissions: permissions(&["chats:read"]),
                channels: ChannelScope::All,
                networks: IpPolicy::Any,
            },
            tier: Tier::Standard,
            lifecycle: Lifecycle::issue(self.value(), None),
            created_at: now,
            updated_at: now,
            created_by: None,
            revision: Revision::FIRST,
        }
    }

    /// A key that was regenerated and whose previous value works for another hour.
    pub fn key_with_previous_value(&mut self, organization: OrganizationId) -> KeyRecord {
        let mut record = self.key(organization);
        let (now, value) = (self.instant(), self.value());
        let overlap = Overlap::from_seconds(3600).unwrap();
        record.lifecycle = record.lifecycle.regenerate(now, value, overlap).unwrap();
        record
    }

    /// Keys that together have every form that a field can have.
    pub fn keys_of_every_form(&mut self, organization: OrganizationId) -> Vec<KeyRecord> {
        let mut keys: Vec<KeyRecord> = HOSTILE_NAMES
            .iter()
            .map(|name| KeyRecord { name: text(name), ..self.key(organization) })
            .collect();
        keys.push(KeyRecord { name: text(&"字".repeat(100)), ..self.key(organization) });

        for description in ["", " ", "two\nlines\r\n", &"🔑".repeat(500), HOSTILE_NAMES[0]] {
            keys.push(KeyRecord { description: Some(text(description)), ..self.key(organization) });
        }
        for access in accesses() {
            keys.push(KeyRecord { access, ..self.key(organization) });
        }
        keys.push(KeyRecord { tier: Tier::Admin, created_by: Some(self.key_id()), ..self.key(organization) });
        keys.push(KeyRecord { revision: Revision::from_u64(1 << 40), ..self.key(organization) });
        keys.push(KeyRecord { updated_at: self.instant(), ..self.key(organization) });
        for lifecycle in self.lifecycles() {
            keys.push(KeyRecord { lifecycle, ..self.key(organization) });
        }
        keys
    }

    /// An event of this action, with nothing but what an event must have.
    pub fn event(&mut self, action: Action, organization: OrganizationId) -> AuditEvent {
        let at = self.instant();
        AuditEvent {
            id: self.event_id(at),
            at,
            action,
            actor: None,
            organization,
            key: None,
            channel: None,
            address: None,
            request_id: None,
            changes: Changes::new(),
        }
    }

    /// An event about this key.
    pub fn key_event(&mut self, action: Action, key: &KeyRecord) -> AuditEvent {
        AuditEvent { key: Some(key.id), ..self.event(action, key.organization) }
    }

    /// An event id that sorts by this instant.
    pub fn event_id(&mut self, at: Timestamp) -> EventId {
        EventId::generate(at, &mut self.rng).unwrap()
    }

    /// Events that together have every form that a field can have.
    pub fn events_of_every_form(&mut self, organization: OrganizationId) -> Vec<AuditEvent> {
        let mut events: Vec<AuditEvent> =
            Action::ALL.into_iter().map(|action| self.event(action, organization)).collect();
        for name in HOSTILE_NAMES {
            let actor = Some(Actor { key: self.key_id(), name: text(name) });
            let request_id = Some(name.to_owned());
            events.push(AuditEvent { actor, request_id, ..self.event(Action::KeyUpdated, organization) });
        }
        for address in ["192.0.2.1", "2001:db8::1", "::"] {
            events.push(AuditEvent {
                address: Some(text(address)),
                ..self.event(Action::KeyCreated, organization)
            });
        }
        let (key, channel) = (Some(self.key_id()), Some(channel_id("support-1")));
        events.push(AuditEvent { key, channel, ..self.event(Action::KeyDeleted, organization) });
        let changes = Changes::from([
            ("name".to_owned(), Change { from: json!("old"), to: json!(HOSTILE_NAMES[1]) }),
            ("expiresAt".to_owned(), Change { from: json!(null), to: json!("2027-01-01T00:00:00Z") }),
            ("permissions".to_owned(), Change { from: json!(["a", "b"]), to: json!([]) }),
            (
                "weird \"field\" 🔑".to_owned(),
                Change { from: json!({"a": {"b": [1, null]}}), to: json!(1_u64 << 60) },
            ),
        ]);
        events.push(AuditEvent { changes, ..self.event(Action::KeyUpdated, organization) });
        events
    }

    /// A batch of one row for each key, from a new writer.
    pub fn batch(&mut self, rows: Vec<UsageRow>) -> UsageBatch {
        let mut writer = [0; 16];
        self.rng.fill_bytes(&mut writer);
        UsageBatch { writer: u128::from_be_bytes(writer), sequence: 1, at: self.instant(), rows }
    }

    /// A quota window in which something is counted.
    pub fn window(&mut self) -> SavedWindow {
        let quota = Quota::new(1000, 3600).unwrap();
        let cell = LimiterCell::new();
        let mut now = Moment::from_nanos(1);
        for _ in 0..self.rng.random_range(1..20) {
            let _ = cell.take(quota, self.rng.random_range(1..10), now);
            now = now.saturating_add(Duration::from_secs(60));
        }
        SavedWindow { saved_at: self.instant(), snapshot: cell.snapshot(now).expect("something is counted") }
    }

    fn lifecycles(&mut self) -> Vec<Lifecycle> {
        let first = Lifecycle::issue(self.value(), None).into_parts();
        let now = self.instant();
        let expiring = |expires_at| LifecycleParts { expires_at, ..first.clone() };
        let revoked = |reason: Option<&str>| LifecycleParts {
            state: State::Revoked(Revocation { at: now, reason: reason.map(text) }),
            ..first.clone()
        };
        // The last microsecond that can be written, one before 1970, and a plain one.
        let instants = ["9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", "2026-02-28T12:00:00Z"];
        let mut all: Vec<LifecycleParts> = instants.iter().map(|at| expiring(Some(text(at)))).collect();
        all.extend([None, Some(""), Some("left\nthe \"team\"; it's 💔")].map(revoked));
        all.push(LifecycleParts { regenerated_at: Some(now), ..first.clone() });
        for parts in &mut all {
            parts.current = self.value();
        }
        let previous = PreviousValue { value: self.value(), ends_at: now };
        let current = self.value();
        all.push(LifecycleParts { current, previous: Some(previous), regenerated_at: Some(now), ..first });
        all.into_iter().map(Lifecycle::from_parts).collect()
    }
}

/// A grant of these permissions.
pub fn permissions(names: &[&str]) -> PermissionGrant {
    let set = PermissionSet::from_permissions(names.iter().map(|name| text(name)));
    PermissionGrant::Only(set.expect("a fixture's permissions are not empty"))
}

/// What a key may do, in every form.
fn accesses() -> Vec<Access> {
    let channels = |ids: &[String]| {
        let ids: Vec<ChannelId> = ids.iter().map(|id| channel_id(id)).collect();
        ChannelScope::Only(Channels::try_from(ids).unwrap())
    };
    let networks = |networks: &[&str]| {
        let networks: Vec<_> = networks.iter().map(|network| text(network)).collect();
        IpPolicy::Only(Networks::try_from(networks).unwrap())
    };
    let plain = Access {
        permissions: permissions(&["chats:read"]),
        channels: ChannelScope::All,
        networks: IpPolicy::Any,
    };
    let many: Vec<String> = (0..100).map(|number| format!("channel-{number:056}")).collect();
    vec![
        Access { permissions: PermissionGrant::All, ..plain.clone() },
        Access { permissions: permissions(&["templates:send", "chats:read", "a"]), ..plain.clone() },
        Access { channels: channels(&["support".to_owned()]), ..plain.clone() },
        Access { channels: channels(&["z", ".", "-", "_", "A.b-c_9"].map(str::to_owned)), ..plain.clone() },
        Access { channels: channels(&many), ..plain.clone() },
        Access { networks: networks(&["192.0.2.1"]), ..plain.clone() },
        Access { networks: networks(&["2001:db8::/32", "10.0.0.0/8", "::1", "0.0.0.0/0", "::/0"]), ..plain },
    ]
}

/// Counts of one hour.
pub fn counts(hour: Hour, counted: &[(Outcome, u64)]) -> HourlyCounts {
    let mut counts = OutcomeCounts::default();
    for (outcome, count) in counted {
        counts.add(*outcome, *count);
    }
    HourlyCounts { hour, counts }
}

/// A row that adds nothing yet.
pub fn usage_row(key: KeyId) -> UsageRow {
    UsageRow { key, hours: Vec::new(), last_used_at: None, previous_value_last_used_at: None, window: None }
}

/// The record that replaces this one: the next revision, changed by `change`.
pub fn changed(record: &KeyRecord, change: impl FnOnce(&mut KeyRecord)) -> KeyRecord {
    let mut next = record.clone();
    next.revision = record.revision.next();
    change(&mut next);
    next
}
