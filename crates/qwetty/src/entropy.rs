use std::convert::Infallible;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use rand::SeedableRng;
use rand::rngs::{ChaCha20Rng, SysRng};
use rand_core::{TryCryptoRng, TryRng};
use thiserror::Error;

/// Where every random bit comes from: the operating system, or a seed that a test chose.
pub struct Entropy(Source);

enum Source {
    System,
    Seeded(Box<Mutex<ChaCha20Rng>>),
}

/// The operating system gave no random bytes. Nothing was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the operating system gave no random bytes")]
pub struct EntropyError;

impl Entropy {
    /// The operating system's random source.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// The same bytes in each run: for tests, never for keys that guard anything.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Box::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))))
    }

    /// A generator over this source, to hand to whoever draws.
    pub(crate) fn draw(&self) -> Draw<'_> {
        Draw(self)
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}

/// One draw from an [`Entropy`].
pub(crate) struct Draw<'a>(&'a Entropy);

impl TryRng for Draw<'_> {
    type Error = EntropyError;

    fn try_next_u32(&mut self) -> Result<u32, EntropyError> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, EntropyError> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        match &self.0.0 {
            Source::System => SysRng.try_fill_bytes(bytes).map_err(|_| EntropyError),
            Source::Seeded(rng) => {
                let mut rng = rng.lock().unwrap_or_else(PoisonError::into_inner);
                let filled: Result<(), Infallible> = rng.try_fill_bytes(bytes);
                filled.map_err(|never| match never {})
            }
        }
    }
}

impl TryCryptoRng for Draw<'_> {}
