use crate::key::Key;
use crate::world::Keys;

/// A request that a client sends.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// Path and query, byte for byte.
    pub(crate) target: Vec<u8>,
    credential: Credential,
    headers: Vec<String>,
    pub(crate) body: Body,
}

/// What a client sends to be let in.
#[derive(Clone, Copy)]
pub(crate) enum Credential {
    None,
    Bearer(Key),
    /// The value of a good key as a password.
    Basic(Key),
    /// The same header twice.
    Twice(Key),
    /// For the gateway itself, too, which is no proxy of that kind.
    AndToProxy(Key),
    /// This, as it stands.
    Verbatim(&'static str),
}

/// The body, of so many bytes.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    None,
    Whole(usize),
    Chunked(usize),
}

/// No length is a multiple of it, so that a piece in the wrong place shows.
const PATTERN: &[u8] = b"{\"text\": \"\xc3\xa9\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\"}";
const CHUNK: usize = 7_001;

impl Request {
    pub(crate) fn new(method: &'static str, target: impl Into<Vec<u8>>) -> Self {
        let target = target.into();
        Self { method, target, credential: Credential::None, headers: Vec::new(), body: Body::None }
    }

    pub(crate) fn get(target: impl Into<Vec<u8>>) -> Self {
        Self::new("GET", target)
    }

    /// The same, with this key.
    pub(crate) fn by(self, key: Key) -> Self {
        self.credential(Credential::Bearer(key))
    }

    pub(crate) fn credential(self, credential: Credential) -> Self {
        Self { credential, ..self }
    }

    /// The same with one more header line.
    pub(crate) fn header(mut self, line: impl Into<String>) -> Self {
        self.headers.push(line.into());
        self
    }

    pub(crate) fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// Whether it has a header of this name.
    pub(crate) fn sends(&self, name: &str) -> bool {
        self.headers
            .iter()
            .filter_map(|line| line.split_once(':'))
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
    }

    /// The key that it is sent with, if that is all.
    pub(crate) fn key(&self) -> Option<Key> {
        match self.credential {
            Credential::Bearer(key) | Credential::AndToProxy(key) => Some(key),
            _ => None,
        }
    }

    /// The values of its Authorization headers.
    pub(crate) fn authorizations(&self, keys: &Keys) -> Vec<String> {
        let bearer = |key| format!("Bearer {}", keys.value(key));
        match self.credential {
            Credential::None => Vec::new(),
            Credential::Bearer(key) | Credential::AndToProxy(key) => vec![bearer(key)],
            Credential::Basic(key) => vec![format!("Basic {}", keys.value(key))],
            Credential::Twice(key) => vec![bearer(key), bearer(key)],
            Credential::Verbatim(value) => vec![value.to_owned()],
        }
    }

    /// As it goes over the wire.
    pub(crate) fn bytes(&self, keys: &Keys) -> Vec<u8> {
        let mut bytes =
            [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\nHost: api.test\r\n"].concat();
        let mut line = |text: &str| bytes.extend_from_slice(format!("{text}\r\n").as_bytes());
        for value in self.authorizations(keys) {
            line(&format!("Authorization: {value}"));
        }
        if let Credential::AndToProxy(key) = self.credential {
            line(&format!("Proxy-Authorization: Bearer {}", keys.value(key)));
        }
        self.headers.iter().for_each(|header| line(header));
        match self.body {
            Body::None => line(""),
            Body::Whole(length) => {
                line(&format!("Content-Length: {length}\r\n"));
                bytes.extend(self.content());
            }
            Body::Chunked(_) => {
                line("Transfer-Encoding: chunked\r\n");
                for chunk in self.content().chunks(CHUNK) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        bytes
    }

    /// What the body says.
    pub(crate) fn content(&self) -> Vec<u8> {
        match self.body {
            Body::None => Vec::new(),
            Body::Whole(length) | Body::Chunked(length) => {
                PATTERN.iter().copied().cycle().take(length).collect()
            }
        }
    }
}
