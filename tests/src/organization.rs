use serde_json::{Value, json};

use crate::client::Client;
use crate::new_key::NewKey;
use crate::server::Server;

/// An organization of its own, with a key that may do everything in it.
pub struct Organization {
    /// Its id.
    pub id: String,
    /// The key: tier admin, no restriction.
    pub key: NewKey,
    /// A client that calls with the key.
    pub admin: Client,
}

impl Organization {
    /// Every permission but the operators', in the order of the catalogue.
    pub const PERMISSIONS: [&str; 10] = [
        "chats:read",
        "messages:send",
        "contacts:manage",
        "templates:read",
        "templates:send",
        "api_keys:read",
        "api_keys:manage",
        "api_keys:verify",
        "channels:manage",
        "audit:read",
    ];

    /// Makes one with the root key.
    pub async fn new(server: &Server, name: &str) -> Self {
        let mut root = server.root();
        let made = root.post("/api/v1/organizations", json!({"name": name})).await.expect(201).data();
        let id = made["id"].as_str().unwrap().to_owned();
        let fields = json!({
            "name": format!("{name} admin"), "organizationId": id, "permissions": Self::PERMISSIONS, "tier": "admin",
        });
        let key = root.create(fields).await;
        Self { admin: server.client(&key.value), id, key }
    }

    /// Saves a channel of it and answers the channel.
    pub async fn channel(&mut self, id: &str) -> Value {
        let channel = json!({"name": format!("Channel {id}"), "type": "whatsapp"});
        self.admin.put(&format!("/api/v1/channels/{id}"), channel).await.expect(200).data()
    }
}
