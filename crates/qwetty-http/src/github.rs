//! The keys that GitHub signs its messages to secret-scanning partners with.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

/// The DER of a SubjectPublicKeyInfo for a key on P-256 (RFC 5480), up to the point itself.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// An uncompressed point: 4 and two coordinates.
const POINT: usize = 65;

/// GitHub's public keys, by their identifiers.
#[derive(Debug, Clone)]
pub struct GithubKeys(BTreeMap<String, [u8; POINT]>);

/// Why a text holds no keys of GitHub's.
#[derive(Debug, thiserror::Error)]
pub enum GithubKeysError {
    /// It is another JSON, or none.
    #[error("not what https://api.github.com/meta/public_keys/secret_scanning answers: {0}")]
    Form(#[from] serde_json::Error),
    /// There is no key in it.
    #[error("there is no key in it")]
    Empty,
    /// None of them is a key that can be used.
    #[error("there is no public key on P-256 in PEM in it; the key {0} is none")]
    Key(String),
}

#[derive(Deserialize)]
struct Document {
    public_keys: Vec<PublicKey>,
}

#[derive(Deserialize)]
struct PublicKey {
    key_identifier: String,
    key: String,
}

impl GithubKeys {
    /// The keys in the JSON that `https://api.github.com/meta/public_keys/secret_scanning` answers, current and older ones.
    ///
    /// # Errors
    ///
    /// [`GithubKeysError`], if not one of them can be used. One that cannot is passed over with a warning otherwise, so that a
    /// key of a new kind does not keep those from being used that are known.
    pub fn from_json(text: &str) -> Result<Self, GithubKeysError> {
        let document: Document = serde_json::from_str(text)?;
        let (mut keys, mut unusable) = (BTreeMap::new(), Vec::new());
        for PublicKey { key_identifier, key } in document.public_keys {
            match point(&key) {
                Some(point) => {
                    keys.insert(key_identifier, point);
                }
                None => unusable.push(key_identifier),
            }
        }
        if keys.is_empty() {
            return Err(unusable.pop().map_or(GithubKeysError::Empty, GithubKeysError::Key));
        }
        for identifier in unusable {
            tracing::warn!(
                identifier,
                "a key of GitHub's is no public key on P-256 in PEM and is passed over; what it signs will be refused"
            );
        }
        Ok(Self(keys))
    }

    /// Whether `signature` (ECDSA on P-256 with SHA-256, ASN.1, in base64) is that of the key with this identifier over
    /// the very bytes of `body`.
    pub(crate) fn verify(&self, identifier: &str, signature: &str, body: &[u8]) -> bool {
        let Some(point) = self.0.get(identifier) else { return false };
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(body, &signature).is_ok()
    }
}

/// The point of a public key in PEM (RFC 7468).
fn point(pem: &str) -> Option<[u8; POINT]> {
    let text =
        pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
    let text: String = text.split_ascii_whitespace().collect();
    let der = STANDARD.decode(text).ok()?;
    let point: [u8; POINT] = der.strip_prefix(&P256)?.try_into().ok()?;
    (point.first() == Some(&4)).then_some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The sample in GitHub's documentation of the partner program, with the test key that it was signed with.
    const IDENTIFIER: &str = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d";
    const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\nHzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==\n-----END PUBLIC KEY-----";
    const SIGNATURE: &str =
        "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY=";
    const BODY: &[u8] =
        br#"[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]"#;

    fn document(key: &str) -> String {
        serde_json::json!({"public_keys": [
            {"key_identifier": IDENTIFIER, "key": key, "is_current": true},
        ]})
        .to_string()
    }

    #[test]
    fn the_sample_of_the_documentation_is_good_and_nothing_near_it() {
        let keys = GithubKeys::from_json(&document(KEY)).unwrap();
        assert!(keys.verify(IDENTIFIER, SIGNATURE, BODY));
        for end in 0..BODY.len() {
            assert!(!keys.verify(IDENTIFIER, SIGNATURE, &BODY[..end]));
            let mut other = BODY.to_vec();
            other[end] ^= 1;
            assert!(!keys.verify(IDENTIFIER, SIGNATURE, &other));
        }
        assert!(!keys.verify(IDENTIFIER, SIGNATURE, &[BODY, b"\n"].concat()));
        for (identifier, signature) in [
            ("", SIGNATURE),
            (&IDENTIFIER[1..], SIGNATURE),
            (IDENTIFIER, ""),
            (IDENTIFIER, "!"),
            (IDENTIFIER, "MEUC"),
        ] {
            assert!(!keys.verify(identifier, signature, BODY));
        }
    }

    #[test]
    fn a_key_of_another_kind_does_not_keep_the_others_from_being_used() {
        let other_curve = KEY.replace("DAQcDQgAE", "DAQYDQgAE");
        let text = serde_json::json!({"public_keys": [
            {"key_identifier": "before", "key": other_curve},
            {"key_identifier": IDENTIFIER, "key": KEY},
            {"key_identifier": "after", "key": ""},
        ]});
        let keys = GithubKeys::from_json(&text.to_string()).unwrap();
        assert!(keys.verify(IDENTIFIER, SIGNATURE, BODY));
        assert!(!keys.verify("before", SIGNATURE, BODY) && !keys.verify("after", SIGNATURE, BODY));
    }

    #[test]
    fn keys_of_another_kind_and_other_texts_are_refused() {
        let other_curve = KEY.replace("DAQcDQgAE", "DAQYDQgAE");
        for key in ["", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", &KEY[..100], &other_curve] {
            let error = GithubKeys::from_json(&document(key)).unwrap_err();
            assert!(matches!(error, GithubKeysError::Key(identifier) if identifier == IDENTIFIER), "{key}");
        }
        assert!(matches!(GithubKeys::from_json(r#"{"public_keys": []}"#), Err(GithubKeysError::Empty)));
        for text in ["", "[]", "{}", r#"{"public_keys": [{"key": "x"}]}"#] {
            assert!(matches!(GithubKeys::from_json(text), Err(GithubKeysError::Form(_))), "{text}");
        }
    }
}
