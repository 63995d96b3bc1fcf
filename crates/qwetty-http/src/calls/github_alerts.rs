//! GitHub's secret scanning: the message to a partner whose secrets it found, and the answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName};
use hyper::body::Body;
use qwetty::{ManageError, Origin};
use qwetty_guard::{ErrorCode, Faults, Problem, single};
use qwetty_keys::RevocationReason;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use zeroize::Zeroizing;

use super::respond;
use crate::api::{Admitted, Answered, Api};
use crate::body::BodyError;
use crate::json::Json;

/// Which of GitHub's keys signed the message.
pub(crate) const IDENTIFIER: HeaderName = HeaderName::from_static("github-public-key-identifier");
/// The signature of the message.
pub(crate) const SIGNATURE: HeaderName = HeaderName::from_static("github-public-key-signature");

const REASON: &str = "found by GitHub secret scanning";
/// So much of a key value in an address would be too much.
const TELLING: usize = 12;

/// A secret that GitHub found.
struct Alert {
    token: Zeroizing<String>,
    kind: String,
    url: String,
}

/// What became of it, in GitHub's words.
#[derive(Serialize)]
struct Feedback<'a> {
    /// SHA-256 in base64: the value itself is not sent back.
    token_hash: String,
    token_type: &'a str,
    label: &'static str,
}

/// `POST /leaked-keys/github`. Nothing of a message is read before its signature was found good. One that is
/// refused may never come again: the log has to tell the owner that keys which leaked still work.
pub(crate) async fn report<B: Body<Data = Bytes>>(
    api: &Api,
    admitted: Admitted<'_>,
    body: B,
) -> Result<Answered, Problem> {
    let keys = api.github.as_ref().ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
    let origin = admitted.origin();
    let headers = &admitted.parts.headers;
    let body = admitted
        .require_raw_json(body, "array")
        .await
        .inspect_err(|problem| unchecked(api, &origin, headers, problem))?;
    admitted
        .query
        .finish()
        .map_err(Problem::from)
        .inspect_err(|problem| unchecked(api, &origin, headers, problem))?;
    let (identifier, signature) = (single(headers, &IDENTIFIER)?, single(headers, &SIGNATURE)?);
    if !identifier
        .zip(signature)
        .is_some_and(|(identifier, signature)| keys.verify(identifier, signature, &body))
    {
        return Err(forged(api, &origin));
    }
    revoke(api, &origin, &body).await.inspect_err(|problem| {
        tracing::error!(
            address = ?origin.address,
            code = problem.code().as_str(),
            detail = problem.detail(),
            "a message that GitHub signed is refused; the keys in it were not revoked, or not all of them"
        );
    })
}

async fn revoke(api: &Api, origin: &Origin, body: &[u8]) -> Result<Answered, Problem> {
    let alerts = alerts(Json::parse(body).map_err(BodyError::from)?)?;
    // The hash in the answer is that of the token as it was sent.
    let revoking = alerts.iter().map(|alert| api.revoke_leaked(origin, &alert.token, reason(alert)));
    let known: Result<Vec<bool>, ManageError> = join_all(revoking).await.into_iter().collect();
    let feedback: Vec<_> =
        alerts.iter().zip(known?).map(|(alert, is_known)| Feedback::on(alert, is_known)).collect();
    Ok(respond::bare(StatusCode::OK, &feedback)?.into())
}

/// Only what GitHub did not sign takes from the budget of an address: GitHub itself may send as much as it finds.
fn forged(api: &Api, origin: &Origin) -> Problem {
    let now = api.engine.now().moment;
    if let Err(exhausted) = api.leak_reports.take(origin.address, 1, Duration::ZERO, now) {
        return Problem::rate_limited(exhausted.retry_after_seconds());
    }
    tracing::warn!(
        address = ?origin.address,
        "a message in GitHub's name is not signed by a key of github_public_keys; nothing was done"
    );
    Problem::new(ErrorCode::InvalidSignature)
}

/// A message that claims to be GitHub's is refused before its signature can be checked. Anyone can send such: as many are
/// logged as the budget of their address has room for.
fn unchecked(api: &Api, origin: &Origin, headers: &HeaderMap, problem: &Problem) {
    let is_claimed = headers.contains_key(&IDENTIFIER) && headers.contains_key(&SIGNATURE);
    let now = api.engine.now().moment;
    if is_claimed && api.leak_reports.take(origin.address, 1, Duration::ZERO, now).is_ok() {
        tracing::error!(
            address = ?origin.address,
            code = problem.code().as_str(),
            detail = problem.detail(),
            "a message in GitHub's name is refused before its signature could be checked; if it is GitHub's, the keys in it were not revoked"
        );
    }
}

/// The alerts of a message. What GitHub may add to them is passed over.
fn alerts(message: Json) -> Result<Vec<Alert>, Faults> {
    let mut faults = Faults::default();
    let Json::Array(items) = message else {
        faults.add("body", format!("must be an array, not {}", message.kind()));
        return Err(faults);
    };
    let mut alerts = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let Json::Object(members) = item else {
            faults.add(format!("body[{index}]"), format!("must be an object, not {}", item.kind()));
            break;
        };
        let (mut token, mut kind, mut url) = (None, None, String::new());
        for (name, value) in members {
            match (name.as_str(), value) {
                ("token", Json::String(text)) => token = Some(Zeroizing::new(text)),
                ("type", Json::String(text)) => kind = Some(text),
                ("url", Json::String(text)) => url = text,
                _ => {}
            }
        }
        match (token, kind) {
            (Some(token), Some(kind)) => alerts.push(Alert { token, kind, url }),
            _ => {
                faults.add(format!("body[{index}]"), "must have a token and a type, which are strings");
                break;
            }
        }
    }
    if faults.is_empty() { Ok(alerts) } else { Err(faults) }
}

/// Where the value was found, for the key's owner; but not if that would tell the value itself.
fn reason(alert: &Alert) -> Option<RevocationReason> {
    let url = &alert.url;
    let is_plain = url.starts_with("https://") && url.len() <= 400 && !url.contains('%');
    let tells = || alert.token.as_bytes().windows(TELLING).any(|part| contains(url.as_bytes(), part));
    let with_url = (is_plain && alert.token.len() <= 400 && !tells()).then(|| format!("{REASON}: {url}"));
    with_url.and_then(|text| text.parse().ok()).or_else(|| REASON.parse().ok())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

impl<'a> Feedback<'a> {
    fn on(alert: &'a Alert, is_known: bool) -> Self {
        Self {
            token_hash: STANDARD.encode(digest(&SHA256, alert.token.as_bytes())),
            token_type: &alert.kind,
            label: if is_known { "true_positive" } else { "false_positive" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(url: &str) -> Alert {
        let token = Zeroizing::new("qwt_4fJkExampleExampleExampleExampleExampleExample000".to_owned());
        Alert { token, kind: "qwetty_api_key".to_owned(), url: url.to_owned() }
    }

    fn reason_for(url: &str) -> String {
        reason(&alert(url)).unwrap().to_string()
    }

    #[test]
    fn the_reason_tells_where_the_value_was_found() {
        let url = "https://github.com/octocat/Hello-World/blob/12345600/foo/bar.txt";
        assert_eq!(reason_for(url), format!("{REASON}: {url}"));
    }

    #[test]
    fn a_place_that_tells_the_value_or_is_no_plain_address_is_left_out() {
        let value = alert("").token;
        let long = format!("https://github.com/{}", "x".repeat(400));
        for url in [
            "",
            "javascript:alert(1)",
            &long,
            "https://github.com/a%71wt_4fJk",
            "https://github.com/a\u{202e}b",
            &format!("https://github.com/a/{}", *value),
            &format!("https://github.com/a/{}", &value[8..30]),
        ] {
            assert_eq!(reason_for(url), REASON, "{url}");
        }
    }

    #[test]
    fn a_message_is_an_array_of_tokens_with_types_whatever_else_it_has() {
        let read = |text: &str| alerts(Json::parse(text.as_bytes()).unwrap());
        let read_one = read(r#"[{"token":"a","type":"b","source":"commit","new":{"x":[1]}}]"#).unwrap();
        assert_eq!(
            (read_one[0].token.as_str(), read_one[0].kind.as_str(), read_one[0].url.as_str()),
            ("a", "b", "")
        );
        assert!(read("[]").unwrap().is_empty());
        for text in ["{}", "null", "[1]", "[{}]", r#"[{"token":"a"}]"#, r#"[{"token":1,"type":"b"}]"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
