#![doc = include_str!("../README.md")]

mod address_budget;
mod bearer;
mod byte_set;
mod client_address;
mod error_code;
mod failed_attempts;
mod faults;
mod header;
mod header_writer;
mod judge;
mod limits;
mod manage_error;
mod path_table;
mod problem;
mod problem_object;
mod rate_headers;
mod request_id;
mod routes;

pub use address_budget::{AddressBudget, ClientNetwork, Exhausted};
pub use bearer::{BearerError, bearer};
pub use client_address::{TrustedProxies, WithoutForwardedFor, client_address};
pub use error_code::ErrorCode;
pub use failed_attempts::{Attempt, FailedAttempts};
pub use faults::Faults;
pub use header::{HeaderError, Single, single, single_value};
pub use header_writer::{HeaderWriter, push_decimal};
pub use judge::{Refused, judge, judge_in_memory};
pub use limits::{LimitError, check_limits};
pub use path_table::{AmbiguousTable, PathRow, PathTable, Routed, Unrouted};
pub use problem::Problem;
pub use problem_object::ProblemObject;
pub use rate_headers::RateLimit;
pub use request_id::{RequestId, RequestIds};
pub use routes::{
    ChannelSource, Need, PathFault, PatternFault, Route, RouteError, RouteFault, RouteTable, Unmapped,
};
