use std::io::{Error, ErrorKind};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use crate::answer::Answer;

/// One HTTP/1.1 message as it came over the wire, read by no more than the rules of RFC 9112: what is ambiguous is an error.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The request line, or the status line.
    pub start: String,
    /// The header lines in their order, each name as it was spelt.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, without its framing.
    pub body: Bytes,
    /// Every byte.
    pub bytes: Vec<u8>,
}

/// How long a message is that does not say it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A request: without a length it has no body.
    Request,
    /// An answer: without a length its body ends with the connection.
    Answer,
    /// The answer to a `HEAD`, which has no body whatever it says.
    AnswerToHead,
}

impl Message {
    /// The next message of a connection; `None` if it ends before the message begins.
    ///
    /// # Errors
    ///
    /// What came is no message, is ambiguous about its length, or ends within.
    pub async fn read(reader: &mut (impl AsyncBufRead + Unpin), kind: Kind) -> Result<Option<Self>, Error> {
        let mut message = Self::default();
        let began = message.fill(reader, kind).await?;
        Ok(began.then_some(message))
    }

    /// Reads the next message into this empty one, which keeps what came if that is no message. Whether there was one.
    pub(crate) async fn fill(
        &mut self,
        reader: &mut (impl AsyncBufRead + Unpin),
        kind: Kind,
    ) -> Result<bool, Error> {
        self.start = match self.line(reader).await? {
            Some(start) => String::from_utf8_lossy(&start).into_owned(),
            None => return Ok(false),
        };
        if kind != Kind::Request && !self.start.starts_with("HTTP/1.") {
            return Err(fault("an answer without a status line"));
        }
        loop {
            let line = self.line(reader).await?.ok_or(ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                break;
            }
            self.headers.push(header(&line)?);
        }
        self.read_body(reader, kind).await?;
        Ok(true)
    }

    /// The values of a header, whatever the case of its name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The message as an answer.
    pub fn answer(&self) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        Answer { status: self.status(), headers, body: self.body.clone() }
    }

    /// The status of an answer.
    pub fn status(&self) -> u16 {
        let status = self.start.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
        status
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no status line: {:?}", self.start))
    }

    async fn read_body(&mut self, reader: &mut (impl AsyncBufRead + Unpin), kind: Kind) -> Result<(), Error> {
        let bodiless = match kind {
            Kind::Request => false,
            Kind::Answer => matches!(self.status(), 100..=199 | 204 | 304),
            Kind::AnswerToHead => true,
        };
        if bodiless {
            return Ok(());
        }
        let codings: Vec<&[u8]> = self.values("transfer-encoding").collect();
        let lengths: Vec<&[u8]> = self.values("content-length").collect();
        match (&codings[..], &lengths[..]) {
            ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => self.read_chunks(reader).await,
            ([], [length]) => {
                let length = number(length, 10)?;
                self.body = self.exactly(reader, length).await?.into();
                Ok(())
            }
            ([], []) if kind == Kind::Request => Ok(()),
            ([], []) => {
                let mut rest = Vec::new();
                reader.read_to_end(&mut rest).await?;
                self.bytes.extend(&rest);
                self.body = rest.into();
                Ok(())
            }
            _ => Err(fault("two lengths, or an unknown coding")),
        }
    }

    async fn read_chunks(&mut self, reader: &mut (impl AsyncBufRead + Unpin)) -> Result<(), Error> {
        let mut body = Vec::new();
        loop {
            let size = self.line(reader).await?.ok_or(ErrorKind::UnexpectedEof)?;
            let size = number(size.split(|byte| *byte == b';').next().unwrap_or_default(), 16)?;
            body.extend(self.exactly(reader, size).await?);
            if size > 0 && !self.line(reader).await?.is_some_and(|end| end.is_empty()) {
                return Err(fault("a chunk longer than its size"));
            }
            if size == 0 {
                // Trailers, up to the empty line.
                while !self.line(reader).await?.ok_or(ErrorKind::UnexpectedEof)?.is_empty() {}
                self.body = body.into();
                return Ok(());
            }
        }
    }

    async fn exactly(
        &mut self,
        reader: &mut (impl AsyncBufRead + Unpin),
        length: usize,
    ) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; length];
        reader.read_exact(&mut bytes).await?;
        self.bytes.extend(&bytes);
        Ok(bytes)
    }

    /// The next line without its end; `None` at the end of the connection.
    async fn line(&mut self, reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Vec<u8>>, Error> {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        self.bytes.extend(&line);
        match line.strip_suffix(b"\r\n") {
            Some(line) => Ok(Some(line.to_vec())),
            None => Err(fault("a line without its end")),
        }
    }
}

fn header(line: &[u8]) -> Result<(String, Vec<u8>), Error> {
    let colon =
        line.iter().position(|byte| *byte == b':').ok_or_else(|| fault("a header without a colon"))?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let name = String::from_utf8(name.to_vec()).map_err(|_| fault("a name that is no text"))?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(fault("a name with space in it"));
    }
    Ok((name, value.to_vec()))
}

fn number(digits: &[u8], radix: u32) -> Result<usize, Error> {
    // A sign is no digit, whatever the parser says.
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.contains('+')).unwrap_or_default();
    usize::from_str_radix(digits, radix).map_err(|_| fault("a length that is no number"))
}

fn fault(text: &str) -> Error {
    Error::new(ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(kind: Kind, bytes: &str) -> Result<Option<Message>, ErrorKind> {
        Message::read(&mut bytes.as_bytes(), kind).await.map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn a_message_ends_where_it_says() {
        for (kind, bytes, body) in [
            (Kind::Request, "GET / HTTP/1.1\r\n\r\nrest", ""),
            (Kind::Request, "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabrest", "ab"),
            (
                Kind::Request,
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\n\r\nrest",
                "abc",
            ),
            (Kind::Answer, "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
            (Kind::Answer, "HTTP/1.1 204 No Content\r\n\r\nrest", ""),
            (Kind::AnswerToHead, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nrest", ""),
        ] {
            let message = read(kind, bytes).await.unwrap().unwrap();
            assert_eq!(message.body, body, "{bytes:?}");
            assert!(bytes.as_bytes().starts_with(&message.bytes), "{bytes:?}");
        }
        assert!(read(Kind::Request, "").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_ambiguous_is_no_message() {
        for headers in [
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: +1",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding : chunked",
            "X: 1\r\n folded",
            "X: 1\nY: 2",
        ] {
            let bytes = format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n0\r\n\r\n");
            assert_eq!(read(Kind::Request, &bytes).await.unwrap_err(), ErrorKind::InvalidData, "{headers:?}");
        }
        let cut = "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab";
        assert_eq!(read(Kind::Request, cut).await.unwrap_err(), ErrorKind::UnexpectedEof);
    }
}
