#![doc = include_str!("../README.md")]

mod cache;
mod clock;
mod engine;
mod entropy;
mod grants;
mod look_ups;
mod maintenance;
mod manage;
#[cfg(all(test, shuttle))]
mod races;
mod sync;
mod usage;
mod verdict;
mod verifier;

pub use clock::{Clock, ManualClock, Now, SystemClock};
pub use engine::{Engine, EngineBuilder, StartError};
pub use entropy::{Entropy, EntropyError};
pub use manage::{
    Caller, EventList, Excess, FieldFault, HourRange, IssuedKey, KeyList, KeyManager, KeyPatch, KeyView,
    ManageError, NewKey, Origin, RangeError, RootKey, UsageReport, Wanted,
};
pub use verdict::{Denial, DenialCode, KeyIdentity, Standing, Verdict, VerifiedKey};
pub use verifier::{Charge, Verifier, VerifyError, VerifyRequest};
