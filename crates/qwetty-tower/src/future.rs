use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;
use qwetty_guard::{RateLimit, Refused};
use tower_service::Service;

use crate::door::Answer;
use crate::reception::Reception;
use crate::service::GuardBody;

pin_project! {
    /// The answer of a [`GuardService`](crate::GuardService). For a key in memory it is the service's own future and what to
    /// put on its answer.
    pub struct GuardFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, S::Future>,
        reception: Reception,
    }
}

pin_project! {
    #[project = Projected]
    enum State<S, ReqBody, F> {
        Asking { answer: Answer, waiting: Option<(S, ReqBody)> },
        Running { #[pin] response: F, rate: Option<RateLimit> },
        Refused { #[pin] response: Ready<Response<Full<Bytes>>> },
    }
}

impl<S, ReqBody> GuardFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(crate) fn running(reception: Reception, response: S::Future, rate: Option<RateLimit>) -> Self {
        Self { reception, state: State::Running { response, rate } }
    }

    pub(crate) fn refused(reception: Reception, refused: Refused) -> Self {
        Self { reception, state: State::refused(reception, refused) }
    }

    pub(crate) fn asking(reception: Reception, answer: Answer, ready: S, body: ReqBody) -> Self {
        Self { reception, state: State::Asking { answer, waiting: Some((ready, body)) } }
    }
}

impl<S, ReqBody, F> State<S, ReqBody, F> {
    fn refused(reception: Reception, refused: Refused) -> Self {
        Self::Refused { response: ready(reception.refuse(refused)) }
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
                Projected::Asking { answer, waiting } => {
                    let (mut parts, decided) = ready!(answer.as_mut().poll(cx));
                    match (decided, waiting.take()) {
                        (Ok(key), Some((mut inner, body))) => {
                            let rate = this.reception.admit(&mut parts, key);
                            let response = inner.call(Request::from_parts(parts, body));
                            State::Running { response, rate }
                        }
                        (Err(refused), _) => State::refused(*this.reception, refused),
                        // Whoever waits is taken once, and the state is another one after it.
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
                Projected::Running { response, rate } => {
                    let mut response = ready!(response.poll(cx))?;
                    if let Some(rate) = rate {
                        rate.stamp(response.headers_mut());
                    }
                    this.reception.id.stamp(response.headers_mut());
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
