#![doc = include_str!("../README.md")]

mod access;
mod address_set;
mod catalogue;
mod channel;
mod distinct;
mod grant;
mod grants;
mod network;
mod networks;
mod permission;

pub use access::{Access, Ask, Refusal};
pub use catalogue::{Catalogue, CatalogueEntry, CatalogueError};
pub use channel::{ChannelId, ChannelIdError, ChannelScope, Channels, ChannelsError};
pub use grant::{PermissionGrant, PermissionSet};
pub use grants::{Axis, Grants};
pub use network::{Network, NetworkError};
pub use networks::{IpPolicy, Networks, NetworksError};
pub use permission::{Permission, PermissionError, administration};
