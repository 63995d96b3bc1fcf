//! What is wrong with the form of a request, as an answer.

use qwetty_guard::{ErrorCode, Problem};

use crate::body::BodyError;
use crate::query::QueryError;

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Self::malformed_request(&error)
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(ErrorCode::PayloadTooLarge),
            BodyError::NotJsonType => Self::new(ErrorCode::UnsupportedMediaType),
            BodyError::BrokenOff
            | BodyError::TooLate
            | BodyError::Missing(_)
            | BodyError::Header(_)
            | BodyError::Malformed(_) => Self::malformed_request(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn every_refusal_of_the_wire_has_its_code() {
        use ErrorCode::*;
        let malformed = || Json::parse(b"{").unwrap_err();
        for (problem, code) in [
            (Problem::from(QueryError::Repeated("page".into())), MalformedRequest),
            (Problem::from(BodyError::TooLarge), PayloadTooLarge),
            (Problem::from(BodyError::NotJsonType), UnsupportedMediaType),
            (Problem::from(BodyError::BrokenOff), MalformedRequest),
            (Problem::from(BodyError::TooLate), MalformedRequest),
            (Problem::from(BodyError::Missing("object")), MalformedRequest),
            (Problem::from(BodyError::Malformed(malformed())), MalformedRequest),
        ] {
            assert_eq!(problem.code(), code, "{problem:?}");
        }
    }

    #[test]
    fn a_malformed_request_tells_what_and_where() {
        let problem = Problem::from(BodyError::from(Json::parse(b"{\"a\" 1}").unwrap_err()));
        assert_eq!(problem.detail(), "The body is not acceptable JSON: expected `:` at line 1 column 6");
    }
}
