use super::pattern::PatternFault;

/// A route table that cannot be: which row, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of the route table: {fault}")]
pub struct RouteError {
    /// The row, from 1.
    pub row: usize,
    /// What is wrong with it, and what mends it.
    pub fault: RouteFault,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteFault {
    /// The method is no token of HTTP.
    #[error("{0:?} is no HTTP method; write one such as GET")]
    Method(String),
    /// The path pattern is none.
    #[error("{0}")]
    Pattern(#[from] PatternFault),
    /// A permission that nobody can hold.
    #[error("the permission {0:?} is not in the catalogue; add it there, or name one that is")]
    Permission(String),
    /// The channel comes from a path parameter that the pattern lacks, or from one of several segments.
    #[error(
        "the path has no parameter {{{0}}} of one segment to take the channel from; add it, or name one that is there"
    )]
    ChannelParameter(String),
    /// The channel comes from a query parameter without a name.
    #[error("the query parameter of the channel has no name; write one such as channelId")]
    ChannelQuery,
    /// The channel comes from a header that there cannot be.
    #[error("{0:?} is no header name to take the channel from; write one such as x-channel-id")]
    ChannelHeader(String),
    /// An earlier row takes every request that this one would.
    #[error("row {0} takes every request that this one would; put this one before it, or remove it")]
    Unreachable(usize),
}
