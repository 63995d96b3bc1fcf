use crate::key::CLIENT;
use crate::request::Request;

/// One row of the table: requests on one connection, and what becomes of them.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) group: &'static str,
    pub(crate) name: String,
    /// Where the client connects from.
    pub(crate) from: &'static str,
    pub(crate) requests: Vec<Request>,
    pub(crate) asks: Asks,
    /// Whether there must be a gateway between the client and whoever decides.
    pub(crate) behind_a_gateway: bool,
}

/// What is asked of every gateway alike.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The same answer.
    Answer,
    /// Not to ask the API; the gateway may answer by itself, whatever it likes.
    Withheld,
    /// Nothing but what holds for every request: the gateway may let it through or refuse it.
    Nothing,
}

impl Case {
    pub(crate) fn new(group: &'static str, name: impl Into<String>, request: Request) -> Self {
        Self {
            group,
            name: name.into(),
            from: CLIENT,
            requests: vec![request],
            asks: Asks::Answer,
            behind_a_gateway: false,
        }
    }

    /// The same with one more request on the connection.
    pub(crate) fn then(mut self, request: Request) -> Self {
        self.requests.push(request);
        self
    }

    pub(crate) fn from(self, from: &'static str) -> Self {
        Self { from, ..self }
    }

    /// The same, for gateways alone.
    pub(crate) fn behind_a_gateway(self) -> Self {
        Self { behind_a_gateway: true, ..self }
    }

    pub(crate) fn asks(self, asks: Asks) -> Self {
        Self { asks, ..self }
    }
}
