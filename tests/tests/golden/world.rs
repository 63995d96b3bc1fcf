use std::sync::Mutex;

use qwetty_tests::{
    Answer, Call, Client, Github, Launch, NewKey, Organization, Server, eventually, from_now,
};
use serde_json::{Value, json};

use crate::case::{Caller, Case, Fault, Subject};
use crate::interface::Operation;
use crate::request::Request;

const NO_KEY: &str = "key_00000000000000000000000000";
const NO_ORGANIZATION: &str = "org_00000000000000000000000000";
/// How many calls there are on a key by its id.
const CALLS_ON_A_KEY: usize = 7;

/// A server with two organizations and a key of every kind.
pub(crate) struct World {
    pub(crate) server: Server,
    github: Github,
    acme: Organization,
    other: Organization,
    /// A value of another server.
    unknown: String,
    revoked: String,
    expired: String,
    expired_subjects: Mutex<Vec<String>>,
    deleted: String,
    replaced: String,
    elsewhere: String,
    used_up: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        // One unit is enough to be used up, and callers never are.
        let tiers = ["--tier-standard", "1/86400", "--tier-admin", "1000000/86400"];
        let (launch, github) = (Launch::serve().with(tiers), Github::new("a-key"));
        std::fs::write(launch.directory().join("github.json"), Github::public_keys([&github])).unwrap();
        let launch = launch.env("QWETTY_GITHUB_PUBLIC_KEYS", "github.json");
        let server = launch.with(["--trusted-proxy", "127.0.0.1"]).start().await;
        let mut acme = Organization::new(&server, "Acme").await;
        let other = Organization::new(&server, "Other").await;
        acme.channel("kept").await;

        // Whoever is refused for anything else lacks no permission.
        let mut root = server.root();
        let all = |fields: Value| with(with(everything(), json!({"organizationId": acme.id})), fields);
        let revoked = root.create(all(json!({}))).await;
        root.act(&revoked.path("/revoke")).await.expect(200);
        let deleted = root.create(all(json!({}))).await;
        root.delete(&deleted.path("")).await.expect(204);
        let replaced = root.create(all(json!({}))).await;
        root.act(&replaced.path("/regenerate")).await.expect(200);
        let elsewhere = root.create(all(json!({"ipWhitelist": ["10.0.0.0/8"]}))).await;
        let used_up = root.create(all(json!({"tier": "standard"}))).await;
        assert_eq!(root.code(&used_up.value).await, "valid");
        let expired = root.create(all(json!({"expiresAt": from_now(1.0)}))).await;
        let mut expired_subjects = Vec::new();
        for _ in 0..CALLS_ON_A_KEY {
            expired_subjects.push(acme.admin.create(subject(json!({"expiresAt": from_now(1.0)}))).await.id);
        }
        let last = expired_subjects[CALLS_ON_A_KEY - 1].clone();
        eventually("expired", async || (root.key(&last).await["status"] == "expired").then_some(())).await;
        Self {
            server,
            github,
            acme,
            other,
            unknown: Server::start().await.root_key().to_owned(),
            revoked: revoked.value,
            expired: expired.value,
            expired_subjects: Mutex::new(expired_subjects),
            deleted: deleted.value,
            replaced: replaced.value,
            elsewhere: elsewhere.value,
            used_up: used_up.value,
        }
    }

    /// What the call answers in this case.
    pub(crate) async fn answer(&self, operation: &Operation, case: &Case) -> Answer {
        match case {
            Case::Caller(caller) => {
                let id = self.thing(operation).await;
                let request = self.example(operation, &id);
                let call = request.call();
                self.send(call, &self.credentials(caller).await).await
            }
            Case::Subject(subject) => self.answer_on(operation, *subject).await,
            Case::Fault(fault) => {
                let id = self.thing(operation).await;
                let request = self.example(operation, &id);
                let request = Request { fault: Some(*fault), ..request };
                let peer = match fault {
                    Fault::UntrustedPeer => "127.0.0.9",
                    Fault::TooManyReports => {
                        self.exhaust_reports("127.0.0.8").await;
                        "127.0.0.8"
                    }
                    _ => "127.0.0.1",
                };
                self.send_from(peer, request.call(), &[bearer(self.server.root_key())]).await
            }
        }
    }

    async fn answer_on(&self, operation: &Operation, subject: Subject) -> Answer {
        let mut caller = self.acme.key.value.clone();
        let is_verify = operation.path == "/api/v1/verify";
        let mut ask = json!({});
        let id = match subject {
            Subject::UnknownId => match operation.path.as_str() {
                path if path.contains("organizations") => NO_ORGANIZATION.to_owned(),
                path if path.contains("channels") => format!("never-{}", operation.method),
                _ => NO_KEY.to_owned(),
            },
            Subject::MalformedId => "a%20b".to_owned(),
            Subject::MalformedValue => "qwt_1".to_owned(),
            Subject::UnknownValue => self.unknown.clone(),
            Subject::DeletedKey => self.deleted.clone(),
            Subject::OtherOrganizationsKey => self.other.key.value.clone(),
            Subject::RevokedKey if is_verify => self.revoked.clone(),
            Subject::RevokedKey => {
                let key = self.key(json!({})).await;
                self.root().act(&key.path("/revoke")).await.expect(200);
                key.id
            }
            Subject::ExpiredKey if is_verify => self.expired.clone(),
            Subject::ExpiredKey => self.expired_subjects.lock().unwrap().pop().unwrap(),
            Subject::OperatorsKey => self.key(json!({"permissions": ["organizations:manage"]})).await.id,
            Subject::OwnKey => {
                let own = self.key(administrator()).await;
                caller = own.value;
                own.id
            }
            Subject::MoreThanTheCallerHolds => String::new(),
            Subject::OrganizationWithKeys => self.acme.id.clone(),
            Subject::KeyOfAnotherAddress => self.elsewhere.clone(),
            Subject::KeyWithoutThePermission => {
                ask = json!({"permissions": ["chats:read"]});
                self.key(json!({})).await.value
            }
            Subject::KeyOfAnotherChannel => {
                ask = json!({"channel": "another"});
                self.key(json!({"channelScopes": ["kept"]})).await.value
            }
            Subject::KeyWithUsedUpQuota => self.used_up.clone(),
        };
        if operation.path.contains("organizations") {
            caller = self.server.root_key().to_owned();
        }
        let mut request = Request::example(operation, &id, &self.acme.id);
        if matches!(subject, Subject::MoreThanTheCallerHolds) {
            ask = json!({"permissions": ["organizations:manage"]});
        }
        if let (Some(Value::Object(body)), Value::Object(ask)) = (&mut request.body, ask) {
            body.extend(ask);
        }
        self.send(request.call(), &[bearer(&caller)]).await
    }

    fn example(&self, operation: &Operation, id: &str) -> Request<'_> {
        let signer = operation.path.ends_with("/github").then_some(&self.github);
        Request { signer, ..Request::example(operation, id, &self.acme.id) }
    }

    /// Something that the call can be done on: the id in its path, or the key value that it verifies.
    async fn thing(&self, operation: &Operation) -> String {
        match operation.path.as_str() {
            "/api/v1/verify" | "/api/v1/leaked-keys" | "/api/v1/leaked-keys/github" => {
                self.key(json!({})).await.value
            }
            path if path.starts_with("/api/v1/api-keys/{id}") => self.key(json!({})).await.id,
            "/api/v1/channels/{id}" => {
                let channel = json!({"name": "A channel", "type": "web_chat"});
                let path = format!("/api/v1/channels/a?organizationId={}", self.acme.id);
                self.root().put(&path, channel).await.expect(200);
                "a".to_owned()
            }
            "/api/v1/organizations/{id}" => {
                let made =
                    self.root().post("/api/v1/organizations", json!({"name": "Empty"})).await.expect(201);
                made.data()["id"].as_str().unwrap().to_owned()
            }
            _ => String::new(),
        }
    }

    /// Makes as many reports from this address as it may. They count although they say nothing.
    async fn exhaust_reports(&self, peer: &str) {
        let mut client = self.server.anyone().calling_from(peer);
        while client.act("/api/v1/leaked-keys").await.status != 429 {}
    }

    /// The Authorization headers of a caller.
    async fn credentials(&self, caller: &Caller) -> Vec<String> {
        let acme = &self.acme.key.value;
        let value = match caller {
            Caller::NoCredential => return Vec::new(),
            Caller::AnotherScheme => return vec![format!("Basic {acme}")],
            Caller::TwoCredentials => return vec![bearer(acme), bearer(acme)],
            Caller::MalformedValue => "qwt_1".to_owned(),
            Caller::UnknownValue => self.unknown.clone(),
            Caller::RevokedKey => self.revoked.clone(),
            Caller::ExpiredKey => self.expired.clone(),
            Caller::DeletedKey => self.deleted.clone(),
            Caller::ReplacedValue => self.replaced.clone(),
            Caller::WrongAddress => self.elsewhere.clone(),
            Caller::UsedUpQuota => self.used_up.clone(),
            Caller::Without(missing) => {
                let all = Organization::PERMISSIONS.iter().copied().chain(["organizations:manage"]);
                let held: Vec<&str> =
                    all.filter(|name| !missing.iter().any(|missing| missing == name)).collect();
                self.key(json!({"permissions": held, "tier": "admin"})).await.value
            }
            Caller::Only(permission) => {
                self.key(json!({"permissions": [permission], "tier": "admin"})).await.value
            }
            Caller::Restricted => {
                self.key(with(administrator(), json!({"ipWhitelist": ["127.0.0.0/8"]}))).await.value
            }
            Caller::Scoped => self.key(with(administrator(), json!({"channelScopes": ["kept"]}))).await.value,
            Caller::Administrator => acme.clone(),
            Caller::OtherAdministrator => self.other.key.value.clone(),
            Caller::Operator => self.server.root_key().to_owned(),
        };
        vec![bearer(&value)]
    }

    /// A key of Acme, made by an operator.
    async fn key(&self, fields: Value) -> NewKey {
        let mut fields = subject(fields);
        fields["organizationId"] = json!(self.acme.id);
        self.root().create(fields).await
    }

    fn root(&self) -> Client {
        self.server.root()
    }

    async fn send(&self, call: Call, credentials: &[String]) -> Answer {
        self.send_from("127.0.0.1", call, credentials).await
    }

    async fn send_from(&self, peer: &str, call: Call, credentials: &[String]) -> Answer {
        let call = credentials.iter().fold(call, |call, value| call.header("authorization", value));
        self.server.anyone().calling_from(peer).send(call).await
    }
}

fn bearer(value: &str) -> String {
    format!("Bearer {value}")
}

/// The fields of a key that whoever may manage keys covers.
fn subject(fields: Value) -> Value {
    with(json!({"permissions": ["api_keys:manage"]}), fields)
}

/// The fields of a key that may do everything in its organization.
fn administrator() -> Value {
    json!({"permissions": Organization::PERMISSIONS, "tier": "admin"})
}

/// The fields of a key that may do everything.
fn everything() -> Value {
    let mut fields = administrator();
    fields["permissions"].as_array_mut().unwrap().push(json!("organizations:manage"));
    fields
}

fn with(mut defaults: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { return defaults };
    defaults.as_object_mut().unwrap().extend(fields);
    defaults
}
