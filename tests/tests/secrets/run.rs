//! Calls of every kind, and every answer that came.

use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use qwetty_tests::{Answer, Call, Client, NewKey, Server, in_time};
use serde_json::json;
use tokio::net::TcpStream;

use crate::browser::Browser;
use crate::misplaced;
use crate::needles::Needles;

const KEYS: &str = "/api/v1/api-keys";

/// What was done on a server.
pub(crate) struct Run<'a> {
    server: &'a Server,
    root: Client,
    values: Vec<String>,
    answers: Vec<(String, Answer)>,
    /// An answer that issues a value, and the value.
    issuing: Vec<(Answer, String)>,
}

impl<'a> Run<'a> {
    pub(crate) fn on(server: &'a Server) -> Self {
        let values = vec![server.root_key().to_owned()];
        Self { server, root: server.root(), values, answers: Vec::new(), issuing: Vec::new() }
    }

    /// Every value that was issued.
    pub(crate) fn values(&self) -> &[String] {
        &self.values
    }

    /// Keys in every stage of their lives, presented in every way.
    pub(crate) async fn busy(&mut self) {
        for number in 0..3 {
            let body = json!({"name": "A key", "description": format!("number {number}"), "permissions": ["chats:read"]});
            let made = self.issue(KEYS, body).await;
            let regenerate = made.path("/regenerate");
            let overlapping = self.issue(&regenerate, json!({"overlapSeconds": 600})).await;
            for value in [&made.value, &overlapping.value] {
                self.present(value).await;
            }
            let last = self.issue(&regenerate, json!({})).await;
            for value in [&made.value, &overlapping.value, &last.value] {
                self.present(value).await;
            }
            for path in ["", "/usage"] {
                self.ask(Call::new(Method::GET, &made.path(path))).await;
            }
            self.ask(Call::new(Method::PATCH, &made.path("")).json(&json!({"name": "Renamed"}))).await;
            self.ask(Call::new(Method::POST, &made.path("/revoke")).json(&json!({"reason": "lost"}))).await;
            self.present(&last.value).await;
            if number == 0 {
                self.ask(Call::new(Method::POST, &made.path("/reactivate"))).await;
            } else {
                self.ask(Call::new(Method::DELETE, &made.path(""))).await;
            }
            self.present(&last.value).await;
        }
        // One that keeps its older value.
        let overlapping =
            self.issue(KEYS, json!({"name": "Two values", "permissions": ["chats:read"]})).await;
        self.issue(&overlapping.path("/regenerate"), json!({"overlapSeconds": 600})).await;
        for path in [KEYS, "/api/v1/me", "/api/v1/permissions", "/openapi.json", "/healthz", "/readyz"] {
            self.ask(Call::new(Method::GET, path)).await;
        }
        for page in 1..=5 {
            let events = Call::new(Method::GET, &format!("/api/v1/audit-events?limit=100&page={page}"));
            let answer = self.ask(events).await.expect(200);
            assert!(page > 1 || answer.data() != json!([]), "there are events");
        }
    }

    /// A value wherever one may be put by mistake, once of a key that is good and once of one that was deleted.
    pub(crate) async fn misplace(&mut self) {
        let good = self.issue(KEYS, json!({"name": "Good", "permissions": ["chats:read"]})).await;
        let gone = self.issue(KEYS, json!({"name": "Gone", "permissions": ["chats:read"]})).await;
        self.ask(Call::new(Method::DELETE, &gone.path(""))).await.expect(204);
        for value in [good.value, gone.value] {
            for call in misplaced::calls(&value) {
                self.ask(call.clone()).await;
                let answer = self.server.client(&value).send(call.clone()).await;
                self.keep("misplaced, by itself", answer);
                let answer = self.server.anyone().send(call).await;
                self.keep("misplaced, by anyone", answer);
            }
            for bytes in misplaced::bytes(&value) {
                let mut raw = self.server.raw().await;
                raw.send(bytes).await;
                let answer = raw.answer().await;
                assert!(answer.status >= 400, "{answer:?}");
                self.keep("unreadable", answer);
            }
        }
    }

    /// The same value in what HTTP/2 packs.
    pub(crate) async fn over_http2(&mut self) {
        let key = self.issue(KEYS, json!({"name": "Two", "permissions": ["chats:read"]})).await;
        let stream = TcpStream::connect(self.server.address()).await.unwrap();
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        for path in
            ["/api/v1/me".to_owned(), format!("/{}", key.value), format!("{KEYS}?search={}", key.value)]
        {
            let request = Request::builder()
                .version(Version::HTTP_2)
                .uri(format!("http://{}{path}", self.server.address()))
                .header("authorization", format!("Bearer {}", key.value))
                .header("cookie", format!("key={}", key.value))
                .header("x-api-key", &key.value)
                .body(Full::<bytes::Bytes>::default())
                .unwrap();
            let response = in_time("an answer", sender.send_request(request)).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            self.keep("over HTTP/2", Answer { status: parts.status.as_u16(), headers: parts.headers, body });
        }
        let mut raw = self.server.raw().await;
        raw.send(misplaced::frames(&key.value)).await;
        raw.ended().await;
    }

    /// The console: what a person does there, and what they may do wrong.
    pub(crate) async fn in_the_console(&mut self) {
        let mut browser = Browser::new(self.server.anyone());
        let gone = self.values.last().unwrap().clone();
        browser.sign_in("qwt_").await.expect(403);
        browser.sign_in(self.server.root_key()).await.expect(303);
        let (made, key) = browser.create().await;
        let (regenerated, next) = browser.regenerate().await;
        for (path, fields) in misplaced::forms(&gone).chain(misplaced::forms(&next)) {
            browser.get("/settings/api-keys/new").await.expect(200);
            browser.post(path, &fields).await;
        }
        for path in misplaced::pages(&gone).chain(misplaced::pages(&next)) {
            browser.get(&path).await;
        }
        // Who is not signed in is sent to the sign-in, which knows the way back.
        let mut stranger = Browser::new(self.server.anyone());
        for path in misplaced::pages(&gone) {
            stranger.get(&path).await;
        }
        browser.append(stranger);
        let stranger = Call::new(Method::GET, "/settings/api-keys");
        for cookie in ["qwetty-session", "qwetty-visit"] {
            let call = stranger.clone().header("cookie", &format!("{cookie}={gone}"));
            let answer = self.server.anyone().send(call).await;
            self.keep("a stranger's page", answer);
        }
        self.answers.extend(browser.into_answers());
        for (answer, value) in [(made, key), (regenerated, next)] {
            self.values.push(value.clone());
            self.issuing.push((answer, value));
        }
    }

    /// Asserts that nothing that was answered holds one of the secrets, but the value that an answer issues.
    pub(crate) fn assert_answers_without(&self, secrets: &Needles) {
        assert!(self.answers.len() > 100, "{}", self.answers.len());
        for (what, answer) in &self.answers {
            secrets.assert_absent(format!("{answer:?}").as_bytes(), &format!("{what}: an answer"));
            secrets.assert_absent(&answer.body, &format!("{what}: a body"));
        }
        for (answer, value) in &self.issuing {
            assert!(answer.header("cache-control").is_some_and(|caching| caching.contains("no-store")));
            secrets
                .assert_absent(format!("{:?}", answer.headers).as_bytes(), "the headers beside a new value");
            let body = String::from_utf8(answer.body.to_vec()).unwrap();
            assert!(body.contains(value.as_str()));
            secrets.assert_absent(body.replace(value.as_str(), "").as_bytes(), "what surrounds a new value");
        }
    }

    async fn issue(&mut self, path: &str, body: serde_json::Value) -> NewKey {
        let answer = self.root.post(path, body).await;
        assert!(answer.status < 300, "{}", answer.text());
        let key = NewKey::from(answer.clone());
        self.values.push(key.value.clone());
        self.issuing.push((answer, key.value.clone()));
        key
    }

    async fn present(&mut self, value: &str) {
        self.ask(Call::new(Method::POST, "/api/v1/verify").json(&json!({"key": value}))).await.expect(200);
        let answer = self.server.client(value).get("/api/v1/me").await;
        self.keep("its own", answer);
        let call = Call::new(Method::GET, "/api/v1/authorize")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/api/v1/chats");
        let answer = self.server.client(value).send(call).await;
        self.keep("a gateway's", answer);
    }

    async fn ask(&mut self, call: Call) -> Answer {
        let answer = self.root.send(call).await;
        self.keep("the root key's", answer.clone());
        answer
    }

    fn keep(&mut self, what: &str, answer: Answer) {
        self.answers.push((what.to_owned(), answer));
    }
}
