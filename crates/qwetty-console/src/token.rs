//! Secrets of sessions: 256 random bits, and what is derived of them.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use blake3::Hash;
use rand_core::TryCryptoRng;

const BYTES: usize = 32;

/// 256 bits that nobody guesses, written as 64 hexadecimal digits. Equality takes constant time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(Hash);

/// What is kept of a session's id: enough to know it again, and of no use to whoever reads it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; BYTES]);

/// What a form's hidden token is bound to. One of the one kind is none of the other.
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

    /// The token that a form carries which was given to the holder of this cookie (OWASP's signed double submit).
    pub(crate) fn form_token(&self, cookie: &Token, bound: Bound) -> Token {
        let mut hasher = blake3::Hasher::new_keyed(&self.form_key);
        hasher.update(match bound {
            Bound::Visit => b"visit",
            Bound::Session => b"session",
        });
        Token(hasher.update(cookie.0.as_bytes()).finalize())
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
        let shown = tokens.form_token(&token, Bound::Session);
        assert!(token != kept && token != shown && kept != shown);
        assert_eq!(format!("{token:?} {:?}", token.digest()), "Token(redacted) TokenDigest(redacted)");
    }

    #[test]
    fn a_forms_token_is_bound_to_its_cookie_and_kind() {
        let tokens = tokens();
        let (one, other) = (tokens.draw().unwrap(), tokens.draw().unwrap());
        assert_eq!(tokens.form_token(&one, Bound::Visit), tokens.form_token(&one, Bound::Visit));
        assert_ne!(tokens.form_token(&one, Bound::Visit), tokens.form_token(&other, Bound::Visit));
        assert_ne!(tokens.form_token(&one, Bound::Visit), tokens.form_token(&one, Bound::Session));
    }
}
