use bytes::Bytes;
use http::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http_body_util::Full;
use qwetty::VerifiedKey;
use qwetty_guard::{RateLimit, Refused, RequestId};

use crate::grpc;

/// How a request is received: what the service gets of it, and what its client is told.
#[derive(Clone, Copy)]
pub(crate) struct Reception {
    pub(crate) id: RequestId,
    keeps_authorization: bool,
    is_grpc: bool,
}

impl Reception {
    pub(crate) fn of(request: &Parts, id: RequestId, keeps_authorization: bool) -> Self {
        Self { id, keeps_authorization, is_grpc: grpc::is_call(&request.headers) }
    }

    /// Makes the request what the service is to see. Gives the quota to tell the client of.
    pub(crate) fn admit(self, request: &mut Parts, key: VerifiedKey) -> Option<RateLimit> {
        if !self.keeps_authorization {
            request.headers.remove(AUTHORIZATION);
        } else if let Some(value) = request.headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        let rate = key.standing().map(RateLimit::of);
        request.extensions.insert(self.id);
        request.extensions.insert(key);
        rate
    }

    /// What a client is told that is not let through.
    pub(crate) fn refuse(self, refused: Refused) -> Response<Full<Bytes>> {
        let code = refused.problem.code();
        let mut response = refused.into_response(&self.id);
        if self.is_grpc {
            grpc::tell(code, response.headers_mut());
        }
        response
    }
}
