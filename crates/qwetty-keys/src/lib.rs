#![doc = include_str!("../README.md")]

mod ascii;
mod base62;
mod digest;
mod digester;
mod id;
mod issued;
mod lifecycle;
mod malformed;
mod overlap;
mod prefix;
mod presented;
mod start;
mod state;
mod status;
mod text;
mod timestamp;
mod value;

pub use digest::KeyDigest;
pub use digester::{Digester, Pepper, PepperError};
pub use id::{EventId, IdError, KeyId, OrganizationId};
pub use issued::{Generation, IssuedValue, PreviousValue};
pub use lifecycle::{Lifecycle, LifecycleError, LifecycleParts, Transition};
pub use malformed::MalformedKey;
pub use overlap::{Overlap, OverlapError};
pub use prefix::{KeyPrefix, PrefixError};
pub use presented::{PresentedKey, PresentedText};
pub use start::{KeyStart, StartError};
pub use state::{Revocation, State};
pub use status::{Status, StatusError};
pub use text::{Description, Name, RevocationReason, TextError};
pub use timestamp::{Timestamp, TimestampError};
pub use value::KeyValue;
