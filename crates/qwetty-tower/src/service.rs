use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use tower_service::Service;

use crate::door::{Decision, Door};
use crate::future::GuardFuture;
use crate::policy::Policy;

/// The body of an answer: the service's own, or that of a refusal.
pub type GuardBody<B> = Either<B, Full<Bytes>>;

/// Lets a request through to a service if its key is good for it, and answers it otherwise. The service never sees a request
/// that is refused; one that it sees has a [`VerifiedKey`](qwetty::VerifiedKey) in its extensions.
pub struct GuardService<S, P> {
    inner: S,
    door: Arc<Door<P>>,
}

impl<S, P> GuardService<S, P> {
    pub(crate) fn new(inner: S, door: Arc<Door<P>>) -> Self {
        Self { inner, door }
    }
}

impl<S: Clone, P> Clone for GuardService<S, P> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), door: Arc::clone(&self.door) }
    }
}

impl<S, P, ReqBody, ResBody> Service<Request<ReqBody>> for GuardService<S, P>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    P: Policy,
{
    type Response = Response<GuardBody<ResBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let reception = self.door.reception(&parts);
        match self.door.decide(&parts) {
            Decision::Made(Ok(key)) => {
                let rate = reception.admit(&mut parts, key);
                let response = self.inner.call(Request::from_parts(parts, body));
                GuardFuture::running(reception, response, rate)
            }
            Decision::Made(Err(refused)) => GuardFuture::refused(reception, refused),
            Decision::Open(question) => {
                // The instance that said it is ready is the one to be called, later; its clone has to say so anew.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                GuardFuture::asking(reception, question.ask(parts), ready, body)
            }
        }
    }
}
