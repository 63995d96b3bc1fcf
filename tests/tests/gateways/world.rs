use std::collections::BTreeMap;

use qwetty_tests::{Launch, NewKey, Organization, Server, eventually};

use crate::key::{Key, PROXY, TIERS};

/// A server that trusts what a gateway on this machine says, with a key of every kind.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) keys: Keys,
}

/// The keys of a world.
#[derive(Clone)]
pub(crate) struct Keys {
    organization: String,
    keys: BTreeMap<Key, NewKey>,
}

impl World {
    /// One whose server listens on this port, and does so again when it is started again.
    pub(crate) async fn new(port: u16) -> Self {
        let (listen, [standard, admin]) = (format!("127.0.0.1:{port}"), TIERS);
        let proxy = format!("{PROXY}/32");
        let server = Launch::serve()
            .with(["--listen", &listen, "--trusted-proxy", "127.0.0.1/32", "--trusted-proxy", &proxy])
            .with(["--tier-standard", standard, "--tier-admin", admin])
            .start()
            .await;
        let mut organization = Organization::new(&server, "Acme").await;
        for channel in ["sales", "support", "other"] {
            organization.channel(channel).await;
        }
        let mut keys = BTreeMap::new();
        for key in Key::every() {
            keys.insert(key, key.make(&mut organization).await);
        }
        let expired = keys[&Key::Expired].id.clone();
        eventually("the expiry", async || {
            (organization.admin.key(&expired).await["status"] == "expired").then_some(())
        })
        .await;
        Self { server, keys: Keys { organization: organization.id, keys } }
    }
}

impl Keys {
    /// The value of a key.
    pub(crate) fn value(&self, key: Key) -> &str {
        &self.keys[&key].value
    }

    /// The id of a key.
    pub(crate) fn id(&self, key: Key) -> &str {
        &self.keys[&key].id
    }

    /// What the API is told of whoever calls with this key: name of the header, and its value.
    pub(crate) fn identity(&self, key: Key) -> [(&'static str, String); 4] {
        let object = &self.keys[&key].object;
        let list = |member: &str| {
            let values = object[member].as_array().map(Vec::as_slice).unwrap_or_default();
            values.iter().map(|value| value.as_str().unwrap()).collect::<Vec<_>>().join(",")
        };
        [
            ("x-qwetty-key-id", self.id(key).to_owned()),
            ("x-qwetty-organization-id", self.organization.clone()),
            ("x-qwetty-permissions", list("permissions")),
            ("x-qwetty-channel-scopes", list("channelScopes")),
        ]
    }
}
