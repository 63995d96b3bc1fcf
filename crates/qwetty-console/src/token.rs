//! Secrets of sessions: 256 random bits, and what is derived of them.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use blake3::Hash;
use qwetty_keys::OrganizationId;
use rand_core::TryCryptoRng;

const BYTES: usize = 32;

/// 256 bits that nobody guesses, written as 64 hexadecimal digits. Equality takes constant time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(Hash);

/// What is kept of a session's id: enough to know it again, and of no use to whoever reads it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; BYTES]);

/// What a form carries that it was given to the holder of a cookie: a proof, and the organization that it was shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FormToken {
    proof: Token,
    /// `None` in the form of whoever is not signed in.
    pub(crate) organization: Option<OrganizationId>,
}

/// The kinds of cookies that hold a token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// The cookie of a visitor who is not signed in.
    Visit,
    /// The cookie of a session.
    Session,
}

/// The random source gave no bytes.
#[derive(Debug, thiserror::Error)]
#[error("the random source gave no bytes")]
pub(crate) struct NoRandomness;

impl Token {
    /// The token that this text is, in hexadecimal.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Hash::from_hex(text).ok().map(Self)
    }

    /// What may be kept of it.
    pub(crate) fn digest(&self) -> TokenDigest {
        TokenDigest(blake3::derive_key("qwetty-console 2026 session id", self.0.as_bytes()))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl FormToken {
    /// The token that this text is: a proof, and after a full stop the organization.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Some((proof, organization)) = text.split_once('.') else {
            return Some(Self { proof: Token::parse(text)?, organization: None });
        };
        Some(Self { proof: Token::parse(proof)?, organization: Some(organization.parse().ok()?) })
    }
}

impl fmt::Display for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.organization {
            Some(organization) => write!(f, "{}.{organization}", self.proof),
            None => self.proof.fmt(f),
        }
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(redacted)")
    }
}

/// Where tokens come from.
pub(crate) struct Tokens {
    source: Mutex<Box<dyn Source>>,
    /// Makes a form's token of a cookie; it lives as long as the process, like the sessions do.
    form_key: [u8; BYTES],
}

impl Tokens {
    /// Tokens drawn from this source.
    pub(crate) fn new(source: impl TryCryptoRng + Send + 'static) -> Result<Self, NoRandomness> {
        let mut source: Box<dyn Source> = Box::new(source);
        let form_key = source.draw().ok_or(NoRandomness)?;
        Ok(Self { source: Mutex::new(source), form_key })
    }

    /// A new token.
    pub(crate) fn draw(&self) -> Result<Token, NoRandomness> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.draw().map(|bytes| Token(Hash::from_bytes(bytes))).ok_or(NoRandomness)
    }

    /// 128 random bits for whatever else needs a seed.
    pub(crate) fn seed(&self) -> Result<u128, NoRandomness> {
        let token = self.draw()?;
        let (half, _) = token.0.as_bytes().split_first_chunk().ok_or(NoRandomness)?;
        Ok(u128::from_le_bytes(*half))
    }

    /// The token that a form carries which was given to the holder of this cookie (OWASP's signed double submit). With
    /// an organization it is a session's, and good for that organization alone; without one, a visitor's.
    pub(crate) fn form_token(&self, cookie: &Token, organization: Option<OrganizationId>) -> FormToken {
        let mut hasher = blake3::Hasher::new_keyed(&self.form_key);
        match organization {
            None => hasher.update(b"visit").update(cookie.0.as_bytes()),
            Some(id) => {
                hasher.update(b"session").update(cookie.0.as_bytes()).update(id.to_string().as_bytes())
            }
        };
        FormToken { proof: Token(hasher.finalize()), organization }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(..)")
    }
}

/// A random source, whatever its errors are.
trait Source: Send {
    fn draw(&mut self) -> Option<[u8; BYTES]>;
}

impl<R: TryCryptoRng + Send> Source for R {
    fn draw(&mut self) -> Option<[u8; BYTES]> {
        let mut bytes = [0; BYTES];
        self.try_fill_bytes(&mut bytes).ok().map(|()| bytes)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::ChaCha20Rng;

    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(ChaCha20Rng::seed_from_u64(7)).unwrap()
    }

    #[test]
    fn a_token_is_read_back_and_differs_from_the_next() {
        let tokens = tokens();
        let (one, other) = (tokens.draw().unwrap(), tokens.draw().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.to_string().len(), 64);
        assert_eq!(Token::parse(&one.to_string()), Some(one));
        for text in ["", "00", &"0".repeat(63), &"g".repeat(64), &"0".repeat(65)] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_kept_or_shown_does_not_lead_back() {
        let tokens = tokens();
        let token = tokens.draw().unwrap();
        let kept = Token(Hash::from_bytes(token.digest().0));
        let shown = tokens.form_token(&token, None).proof;
        assert!(token != kept && token != shown && kept != shown);
        assert_eq!(format!("{token:?} {:?}", token.digest()), "Token(redacted) TokenDigest(redacted)");
    }

    #[test]
    fn a_forms_token_is_bound_to_its_cookie_and_organization() {
        let tokens = tokens();
        let (one, other) = (tokens.draw().unwrap(), tokens.draw().unwrap());
        let [here, there] = [1, 2].map(|id| Some(OrganizationId::from_u128(id)));
        let token = tokens.form_token(&one, here);
        assert_eq!(FormToken::parse(&token.to_string()), Some(token));
        assert_eq!(token, tokens.form_token(&one, here));
        for (cookie, organization) in [(&other, here), (&one, there), (&one, None)] {
            assert_ne!(token.proof, tokens.form_token(cookie, organization).proof);
        }
        for text in [format!("{}.", token.proof), format!("{}.org_x", token.proof), format!("{token}.")] {
            assert_eq!(FormToken::parse(&text), None, "{text}");
        }
    }
}
