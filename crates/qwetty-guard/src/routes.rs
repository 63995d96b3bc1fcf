//! The route table: what a request to somebody else's API needs of the key that it bears.

mod channel;
mod error;
mod need;
mod path;
mod pattern;
mod qwetty;
mod route;
mod table;
mod text_map;
mod tree;

pub use channel::ChannelSource;
pub use error::{RouteError, RouteFault};
pub use need::Need;
pub use path::PathFault;
pub use pattern::PatternFault;
pub use route::Route;
pub use table::{RouteTable, Unmapped};
