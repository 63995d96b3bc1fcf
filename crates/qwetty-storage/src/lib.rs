#![doc = include_str!("../README.md")]

mod audit;
mod changes;
mod error;
mod fold;
mod listing;
mod memory;
mod organization;
mod record;
mod store;
mod usage;

pub use audit::{Action, Actor, AuditEvent, Change, Changes, EventQuery};
pub use changes::{ChangeFeed, KeyChange};
pub use error::StoreError;
pub use fold::{Search, fold};
pub use listing::{KeyQuery, KeySort, Listing, Order, Page};
pub use memory::MemoryStore;
pub use organization::{Channel, ChannelKind, DirectoryQuery, Organization, UnknownChannelKind};
pub use record::{FoundKey, KeyRecord, Revision, SavedWindow, StoredKey, UsageTotals};
pub use store::{
    AuditStore, DirectoryStore, Insertion, KeyStore, OrganizationRemoval, Setup, SetupStore, Store,
    UsageStore, Written,
};
pub use usage::{Hour, HourlyCounts, Outcome, OutcomeCounts, UsageBatch, UsageRow};
