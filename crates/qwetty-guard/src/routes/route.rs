use super::channel::ChannelSource;

/// One row of a route table, as it is written: nothing is checked before [`RouteTable::new`](super::RouteTable::new).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) permissions: Vec<String>,
    pub(super) channel: ChannelSource,
}

impl Route {
    /// Requests of this method to paths that match this pattern need all these permissions; none of them: any usable key.
    /// They are tied to no channel.
    ///
    /// The method matches exactly: a row for GET is none for HEAD. In the pattern, a segment `{name}` stands for any one
    /// segment, and a last `{*name}` for one or more; every other segment is text in canonical form, in which letters,
    /// digits and `-._~!$&'()*+,;=:@` stand as themselves and everything else is percent-encoded in upper case.
    pub fn new<P: Into<String>>(
        method: impl Into<String>,
        path: impl Into<String>,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            permissions: permissions.into_iter().map(Into::into).collect(),
            channel: ChannelSource::None,
        }
    }

    /// The same row, its channel taken from there.
    #[must_use]
    pub fn with_channel(self, channel: ChannelSource) -> Self {
        Self { channel, ..self }
    }
}
