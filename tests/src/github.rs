use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

use crate::call::Call;

/// The DER before the point of a public key on P-256.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Somebody who signs as GitHub does.
pub struct Github {
    pair: EcdsaKeyPair,
    identifier: String,
}

impl Github {
    /// With a key pair of its own, under this identifier.
    pub fn new(identifier: &str) -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let pair = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, pair.as_ref(), &random).unwrap();
        Self { pair, identifier: identifier.to_owned() }
    }

    /// The public keys of all of these, as GitHub answers them.
    pub fn public_keys<'a>(all: impl IntoIterator<Item = &'a Self>) -> String {
        let keys: Vec<_> = all
            .into_iter()
            .map(|github| {
                let der = [&P256, github.pair.public_key().as_ref()].concat();
                let pem = format!(
                    "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                    STANDARD.encode(der)
                );
                json!({"key_identifier": github.identifier, "key": pem, "is_current": true})
            })
            .collect();
        json!({"public_keys": keys}).to_string()
    }

    /// The signature over these bytes.
    pub fn signature(&self, body: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(&SystemRandom::new(), body).unwrap())
    }

    /// A message with this body, signed.
    pub fn message(&self, path: &str, body: &str) -> Call {
        self.sign(Call::new(Method::POST, path).body("application/json", body.to_owned()), body.as_bytes())
    }

    /// The call with the headers of a signature over these bytes.
    pub fn sign(&self, call: Call, body: &[u8]) -> Call {
        call.header("github-public-key-identifier", &self.identifier)
            .header("github-public-key-signature", &self.signature(body))
    }
}
