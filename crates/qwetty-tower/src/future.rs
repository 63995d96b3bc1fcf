use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;
use qwetty_guard::{RateLimit, Refused, RequestId};
use tower_service::Service;

use crate::door::{Admission, Answer};
use crate::service::GuardBody;

pin_project! {
    /// The answer of a [`GuardService`](crate::GuardService). For a key in memory it holds the service's own future and
    /// nothing on the heap.
    pub struct GuardFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, S::Future>,
        id: RequestId,
    }
}

pin_project! {
    #[project = Projected]
    enum State<S, ReqBody, F> {
        Asking { answer: Answer, admission: Admission, waiting: Option<(S, ReqBody)> },
        Running { #[pin] response: F, rate: Option<RateLimit> },
        Refused { #[pin] response: Ready<Response<Full<Bytes>>> },
    }
}

impl<S, ReqBody> GuardFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(crate) fn running(id: RequestId, response: S::Future, rate: Option<RateLimit>) -> Self {
        Self { id, state: State::Running { response, rate } }
    }

    pub(crate) fn refused(id: RequestId, refused: Refused) -> Self {
        Self { id, state: State::refused(id, refused) }
    }

    pub(crate) fn asking(admission: Admission, answer: Answer, ready: S, body: ReqBody) -> Self {
        let waiting = Some((ready, body));
        Self { id: admission.id, state: State::Asking { answer, admission, waiting } }
    }
}

impl<S, ReqBody, F> State<S, ReqBody, F> {
    fn refused(id: RequestId, refused: Refused) -> Self {
        Self::Refused { response: ready(refused.into_response(&id)) }
    }
}

impl<S, ReqBody, ResBody> Future for GuardFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<GuardBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                Projected::Asking { answer, admission, waiting } => {
                    let (mut parts, decided) = ready!(answer.as_mut().poll(cx));
                    match (decided, waiting.take()) {
                        (Ok(key), Some((mut inner, body))) => {
                            let rate = admission.admit(&mut parts, key);
                            let response = inner.call(Request::from_parts(parts, body));
                            State::Running { response, rate }
                        }
                        (Err(refused), _) => State::refused(*this.id, refused),
                        // Whoever waits is taken once, and the state is another one after it.
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
                Projected::Running { response, rate } => {
                    let mut response = ready!(response.poll(cx))?;
                    if let Some(rate) = rate {
                        rate.stamp(response.headers_mut());
                    }
                    this.id.stamp(response.headers_mut());
                    return Poll::Ready(Ok(response.map(Either::Left)));
                }
                Projected::Refused { response } => {
                    return response.poll(cx).map(|response| Ok(response.map(Either::Right)));
                }
            };
            this.state.set(next);
        }
    }
}
