//! As much of a browser as the console's forms need.

use std::collections::BTreeMap;

use http::Method;
use qwetty_tests::{Answer, Call, Client};

const LIST: &str = "/settings/api-keys";
const NEW: &str = "/settings/api-keys/new";
const SIGN_IN: &str = "/settings/sign-in";

pub(crate) struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
    /// The token of the form that was seen last.
    token: String,
    answers: Vec<(String, Answer)>,
}

impl Browser {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, cookies: BTreeMap::new(), token: String::new(), answers: Vec::new() }
    }

    /// Every answer but those that issued a value.
    pub(crate) fn into_answers(self) -> Vec<(String, Answer)> {
        self.answers
    }

    /// Takes over what another one was answered.
    pub(crate) fn append(&mut self, other: Self) {
        self.answers.extend(other.answers);
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let answer = self.send(Call::new(Method::GET, path)).await;
        self.answers.push((format!("the page {path}"), answer.clone()));
        answer
    }

    /// Sends a form that no page offered, with the token of one that did unless it brings its own.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, String)]) -> Answer {
        let mut fields = fields.to_vec();
        if fields.iter().all(|(name, _)| *name != "csrf") {
            fields.push(("csrf", self.token.clone()));
        }
        let answer = self.submit(path, &fields).await;
        self.answers.push((format!("the form {path}"), answer.clone()));
        answer
    }

    pub(crate) async fn sign_in(&mut self, value: &str) -> Answer {
        let mut fields = self.hidden(SIGN_IN, SIGN_IN).await;
        fields.push(("key".to_owned(), value.to_owned()));
        let answer = self.submit(SIGN_IN, &fields).await;
        self.answers.push(("the sign-in".to_owned(), answer.clone()));
        answer
    }

    /// Makes a key: the page that shows its value, and the value.
    pub(crate) async fn create(&mut self) -> (Answer, String) {
        let mut fields = self.hidden(NEW, NEW).await;
        for (name, value) in [
            ("name", "Console"),
            ("description", ""),
            ("permissions", "chats:read"),
            ("reach", "every"),
            ("whitelist", ""),
            ("expiry", "90"),
            ("date", ""),
            ("tier", "standard"),
            ("step", "create"),
        ] {
            fields.push((name.to_owned(), value.to_owned()));
        }
        let page = self.submit(NEW, &fields).await.expect(200);
        let value = shown(&page);
        (page, value)
    }

    /// Gives the newest key another value: the page that shows it, and the value.
    pub(crate) async fn regenerate(&mut self) -> (Answer, String) {
        let list = self.get(LIST).await.text();
        let (_, rest) = list.split_once("href=\"/settings/api-keys/key_").expect("a key in the list");
        let form = format!("{LIST}/key_{}/regenerate", rest.split(['"', '/', '?']).next().unwrap());
        let mut fields = self.hidden(&form, &form).await;
        fields.push(("overlap".to_owned(), "0".to_owned()));
        let page = self.submit(&form, &fields).await.expect(200);
        let value = shown(&page);
        (page, value)
    }

    /// The hidden fields of the form on a page that posts to `action`.
    async fn hidden(&mut self, page: &str, action: &str) -> Vec<(String, String)> {
        let page = self.get(page).await.expect(200).text();
        let (_, form) = page.split_once(&format!("action=\"{action}\"")).expect("a form");
        let form = form.split("</form>").next().unwrap();
        let attribute = |part: &str, name: &str| {
            let (_, rest) = part.split_once(&format!(" {name}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let hidden = form.split("<input type=\"hidden\"").skip(1);
        hidden.map(|part| (attribute(part, "name"), attribute(part, "value"))).collect()
    }

    async fn submit<N: AsRef<str>, V: AsRef<str>>(&mut self, path: &str, fields: &[(N, V)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            form.append_pair(name.as_ref(), value.as_ref());
        }
        let call = Call::new(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .body("application/x-www-form-urlencoded", form.finish());
        self.send(call).await
    }

    async fn send(&mut self, call: Call) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = self.client.send(call.header("cookie", &cookies.join("; "))).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        if let Some((_, rest)) = answer.text().split_once("name=\"csrf\" value=\"") {
            self.token = rest.split('"').next().unwrap().to_owned();
        }
        answer
    }
}

fn shown(page: &Answer) -> String {
    let page = page.text();
    let (_, rest) = page.split_once("id=\"key-value\"").expect("a page that shows a value");
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split('<').next().unwrap().to_owned()
}
