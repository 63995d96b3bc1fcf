//! The answers that hyper makes by itself, to what it cannot read as a request: a status without words.

use bytes::Bytes;
use http::{Response, StatusCode};

/// What hyper answers by itself: the request is malformed, its URI too long, its head too large.
const STATUSES: [StatusCode; 3] =
    [StatusCode::BAD_REQUEST, StatusCode::URI_TOO_LONG, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE];
/// The header fields of such an answer. The service's answers all have others.
const FIELDS: [&str; 3] = ["connection", "content-length", "date"];
/// More than the longest of them has.
const MAX_BYTES: usize = 256;

/// An HTTP/1 answer that is hyper's own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BareAnswer<'a> {
    version: &'a str,
    status: StatusCode,
    /// The line of the header field `date`.
    date: Option<&'a str>,
}

impl<'a> BareAnswer<'a> {
    /// The answer that these bytes are, from the first to the last; `None` if they are anything else.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        // Every write of every answer is looked at, and nearly all are done with here.
        let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'4', ..] = bytes else { return None };
        if bytes.len() > MAX_BYTES {
            return None;
        }
        let mut lines = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?.split("\r\n");
        let (version, phrase) = lines.next()?.split_once(' ')?;
        let status = STATUSES.into_iter().find(|status| phrase.starts_with(status.as_str()))?;
        let is_bare = |line: &str| line.split_once(": ").is_some_and(|(name, _)| FIELDS.contains(&name));
        if !lines.clone().all(is_bare) || !lines.clone().any(|line| line == "content-length: 0") {
            return None;
        }
        Some(Self { version, status, date: lines.find(|line| line.starts_with("date: ")) })
    }

    /// The status that hyper chose.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// `response` as the bytes to send in this answer's place, the last on their connection.
    pub(crate) fn replaced_by(&self, response: &Response<Bytes>) -> Bytes {
        let mut bytes = format!("{} {}\r\n", self.version, response.status()).into_bytes();
        for (name, value) in response.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        let length = format!("content-length: {}", response.body().len());
        for line in ["connection: close", &length].into_iter().chain(self.date) {
            bytes.extend([line.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes.extend(response.body());
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\
                        date: Mon, 23 Nov 2026 03:29:56 GMT\r\n\r\n";

    fn status(text: &str) -> Option<u16> {
        BareAnswer::read(text.as_bytes()).map(|bare| bare.status().as_u16())
    }

    #[test]
    fn what_hyper_answers_by_itself_is_known() {
        assert_eq!(status(BARE), Some(400));
        assert_eq!(status(&BARE.replace("400 Bad Request", "414 URI Too Long")), Some(414));
        let too_large = BARE.replace("400 Bad Request", "431 Request Header Fields Too Large");
        assert_eq!(status(&too_large), Some(431));
        assert_eq!(status(&BARE.replace("HTTP/1.1", "HTTP/1.0")), Some(400));
        assert_eq!(status(&BARE.replace("connection: close\r\n", "")), Some(400));
    }

    #[test]
    fn anything_else_is_let_be() {
        for other in [
            String::new(),
            "HTTP/1.1 4".to_owned(),
            BARE.replace("400 Bad Request", "200 OK"),
            BARE.replace("400 Bad Request", "404 Not Found"),
            BARE.replace("HTTP/1.1", "HTTP/2.0"),
            BARE.replace("date: ", "x-request-id: req_1\r\ndate: "),
            BARE.replace("content-length: 0", "content-length: 7"),
            BARE.replace("content-length: 0\r\n", ""),
            BARE.replace("\r\ndate", "\r\n\r\ndate"),
            BARE.trim_end().to_owned(),
            format!("{BARE}more"),
            format!("{BARE}{BARE}"),
            format!("HTTP/1.1 204 No Content\r\n\r\n{BARE}"),
            BARE.replace("GMT", &"x".repeat(MAX_BYTES)),
        ] {
            assert_eq!(status(&other), None, "{other}");
        }
    }

    #[test]
    fn a_response_takes_its_place_and_keeps_its_version_and_date() {
        let response = Response::builder().status(400).header("x-request-id", "req_1");
        let response = response.body(Bytes::from_static(b"{}")).unwrap();
        for version in ["HTTP/1.1", "HTTP/1.0"] {
            let bare = BARE.replace("HTTP/1.1", version);
            let bytes = BareAnswer::read(bare.as_bytes()).unwrap().replaced_by(&response);
            let expected = format!(
                "{version} 400 Bad Request\r\nx-request-id: req_1\r\nconnection: close\r\ncontent-length: 2\r\n\
                 date: Mon, 23 Nov 2026 03:29:56 GMT\r\n\r\n{{}}"
            );
            assert_eq!(bytes, expected);
        }
    }
}
