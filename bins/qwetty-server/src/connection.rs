//! One connection: HTTP/1.1 or HTTP/2, over TLS or not, within its deadlines.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Either;
use http::header::{CONNECTION, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Request, Response, Version};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use crate::activity::{Activity, Exchange, Overdue, Patience};
use crate::answer_body::{AnswerBody, whole};
use crate::connection_io::ConnectionIo;
use crate::full_answers::FullAnswers;
use crate::handler::Handler;
use crate::in_hand::in_hand;
use crate::once_woken::OnceWoken;
use crate::quiet_waker::QuietWaker;
use crate::request_body::{Ahead, RequestBody};
use crate::uncancelled::Uncancelled;
use crate::workers::Worker;

/// The head of an HTTP/1.1 request that is read at all. Well above what the service takes, so that the service
/// can say in its own words what is too long.
const HTTP1_HEAD_BYTES: usize = 256 * 1024;
/// The same for HTTP/2, by its own measure.
const HTTP2_HEAD_BYTES: u32 = 64 * 1024;
const HTTP2_STREAMS: u32 = 100;
/// One whole body of the largest accepted size per stream; a few of them per connection.
const HTTP2_STREAM_WINDOW: u32 = 64 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 256 * 1024;
/// Streams that a client may open and reset at once ("rapid reset", CVE-2023-44487) before it is cut off, and
/// such that it may make the server reset.
const HTTP2_PENDING_RESETS: usize = 20;
const HTTP2_LOCAL_RESETS: usize = 100;

/// Serves one connection to its end: until the client closes it or breaks a promise of [`Patience`], or until it
/// has finished what was in flight when `worker` began to drain.
pub(crate) async fn serve<H: Handler, S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    handler: Arc<H>,
    patience: Patience,
    worker: Worker,
) {
    let activity = Activity::new(patience);
    let stream = ConnectionIo::new(stream, Arc::clone(&activity));
    speak(stream, activity, peer, handler, worker).await;
}

/// The same over TLS. The handshake is part of what the client owes: it and the first request have one deadline.
pub(crate) async fn serve_tls<H: Handler, S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    acceptor: TlsAcceptor,
    peer: SocketAddr,
    handler: Arc<H>,
    patience: Patience,
    worker: Worker,
) {
    let activity = Activity::new(patience);
    let stream = ConnectionIo::new(stream, Arc::clone(&activity));
    let accepted = tokio::select! {
        accepted = acceptor.accept(stream) => accepted,
        _ = activity.overdue() => {
            debug!(%peer, "connection closed: the client is overdue with its TLS handshake");
            return;
        }
        // Nothing is in flight yet.
        () = worker.draining() => return,
    };
    match accepted {
        Ok(stream) => speak(stream, activity, peer, handler, worker).await,
        Err(error) => debug!(%peer, %error, "connection closed: no TLS"),
    }
}

/// Speaks HTTP with a client, to its end.
async fn speak<H: Handler, S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    activity: Arc<Activity>,
    peer: SocketAddr,
    handler: Arc<H>,
    worker: Worker,
) {
    let stream = FullAnswers::new(stream, Arc::clone(&handler), Arc::clone(&activity));
    let conversation = Arc::new(Conversation {
        handler,
        peer,
        activity: Arc::clone(&activity),
        worker: worker.apart(),
        places: Arc::new(Semaphore::new(HTTP2_STREAMS as usize)),
        reads_bodies: AtomicBool::new(false),
    });
    let own = Arc::clone(&conversation);
    let service = service_fn(move |request| call(&own, request));
    let protocols = protocols(worker.clone());
    let mut connection = std::pin::pin!(protocols.serve_connection(TokioIo::new(stream), service));

    let mut event = OnceWoken::new(next_event(&activity, &worker, false));
    let mut quiet: Option<(Waker, Waker)> = None;
    poll_fn(|context| {
        while let Poll::Ready(happened) = event.poll_unpin(context) {
            match happened {
                Event::Overdue(reason) => {
                    debug!(%peer, ?reason, "connection closed: the client is overdue");
                    return Poll::Ready(());
                }
                Event::Draining => {
                    connection.as_mut().graceful_shutdown();
                    event = OnceWoken::new(next_event(&activity, &worker, true));
                }
                Event::Ended => return Poll::Ready(()),
            }
        }
        let waker = match &quiet {
            // What is never read wakes nobody.
            _ if !conversation.reads_bodies.load(Ordering::Relaxed) => context.waker(),
            Some((waker, quiet)) if waker.will_wake(context.waker()) => quiet,
            _ => &quiet.insert((context.waker().clone(), QuietWaker::over(context.waker()))).1,
        };
        let _in_hand = in_hand();
        let result = ready!(connection.as_mut().poll(&mut Context::from_waker(waker)));
        if let Err(error) = result {
            debug!(%peer, error = &*error, "connection broke off");
        }
        Poll::Ready(())
    })
    .await;
}

/// What happens to a connection, but for what its protocol does.
enum Event {
    /// The client broke a promise.
    Overdue(Overdue),
    /// Nothing new is to be begun.
    Draining,
    /// The grace period is over.
    Ended,
}

async fn next_event(activity: &Activity, worker: &Worker, is_draining: bool) -> Event {
    tokio::select! {
        reason = activity.overdue() => Event::Overdue(reason),
        () = worker.draining(), if !is_draining => Event::Draining,
        () = worker.ended() => Event::Ended,
    }
}

/// What the requests of one connection have in common.
struct Conversation<H> {
    handler: Arc<H>,
    peer: SocketAddr,
    activity: Arc<Activity>,
    worker: Worker,
    /// For each call of HTTP/2 that is under way.
    places: Arc<Semaphore>,
    /// Whether a request had a body that was looked at at once.
    reads_bodies: AtomicBool,
}

/// Begins to answer a request.
fn call<H: Handler>(conversation: &Arc<Conversation<H>>, request: Request<Incoming>) -> Answering<H> {
    let Conversation { handler, peer, activity, .. } = &**conversation;
    let (mut head, incoming) = request.into_parts();
    let is_for_at_once = handler.is_for_at_once(&head);
    if is_for_at_once && incoming.is_end_stream() {
        let began = Instant::now();
        if let Some(response) = handler.handle_at_once(&mut head, &Bytes::new(), *peer, began) {
            return Answering::Answered(Some(answered_at_once(response, activity, began)));
        }
    } else if is_for_at_once && !head.headers.contains_key(EXPECT) {
        // Whoever asks whether to send a body is judged by the head before it is told to.
        conversation.reads_bodies.store(true, Ordering::Relaxed);
        let conversation = Arc::clone(conversation);
        return Answering::Asked(Some(Box::new(Asked { conversation, head, incoming })));
    }
    Answering::Running(run(Arc::clone(conversation), head, incoming, None))
}

/// The answer to a request.
enum Answering<H> {
    /// It is there; `None` when it was handed over.
    Answered(Option<Response<AnswerBody>>),
    /// It is there at once if the body is, and that is enough.
    Asked(Option<Box<Asked<H>>>),
    /// The call has begun.
    Running(Running),
}

/// Waits for its place, if it has none yet.
type Running =
    Either<Uncancelled<Response<AnswerBody>>, Pin<Box<dyn Future<Output = Response<AnswerBody>> + Send>>>;

/// A request whose call has not begun, and of whose body nothing was read.
struct Asked<H> {
    conversation: Arc<Conversation<H>>,
    head: Parts,
    incoming: Incoming,
}

impl<H: Handler> Future for Answering<H> {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Self::Asked(place) = this {
            let Some(asked) = place.take() else { return Poll::Pending };
            match asked.answer_at_once(context) {
                Ok(response) => return Poll::Ready(Ok(response)),
                Err(running) => *this = Self::Running(running),
            }
        }
        match this {
            Self::Answered(response) => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            Self::Running(running) => Pin::new(running).poll(context).map(Ok),
            Self::Asked(_) => Poll::Pending,
        }
    }
}

impl<H: Handler> Asked<H> {
    /// The answer, or the call that gives it.
    fn answer_at_once(
        mut self: Box<Self>,
        context: &mut Context<'_>,
    ) -> Result<Response<AnswerBody>, Running> {
        let Conversation { handler, peer, activity, .. } = &*self.conversation;
        let began = Instant::now();
        let ahead = Ahead::read(&mut self.incoming, self.head.version < Version::HTTP_2, context);
        let response =
            ahead.whole().and_then(|body| handler.handle_at_once(&mut self.head, body, *peer, began));
        if let Some(response) = response {
            return Ok(answered_at_once(response, activity, began));
        }
        let Self { conversation, head, incoming } = *self;
        Err(run(conversation, head, incoming, Some(ahead)))
    }
}

/// Begins a call, whose body was read so far `ahead`.
fn run<H: Handler>(
    conversation: Arc<Conversation<H>>,
    head: Parts,
    incoming: Incoming,
    ahead: Option<Ahead>,
) -> Running {
    let is_complete = ahead.as_ref().map_or_else(|| incoming.is_end_stream(), Ahead::is_complete);
    let exchange = conversation.activity.begin(is_complete);
    let body = RequestBody::new(incoming, ahead, exchange.receipt());
    let version = head.version;
    // Not of a client that waits to be told whether to send it: to read would be to tell it.
    let may_pass_over = version < Version::HTTP_2 && !head.headers.contains_key(EXPECT);
    let (worker, places) = (conversation.worker.clone(), Arc::clone(&conversation.places));
    // A stream that its client resets is no stream any more, but its call runs to its end: without a place for each call,
    // a client that opens and resets has any number of them under way.
    let call = move |place: Option<OwnedSemaphorePermit>| async move {
        let mut body = body;
        let request = Request::from_parts(head, &mut body);
        let response = conversation.handler.handle(request, conversation.peer).await;
        if may_pass_over {
            body.pass_over().await;
        }
        drop(body);
        drop(place);
        answered(response, exchange, Instant::now(), version)
    };
    match Arc::clone(&places).try_acquire_owned() {
        Ok(place) => Either::Left(Uncancelled::new(call(Some(place)), worker)),
        Err(_) => Either::Right(Box::pin(async move {
            let place = places.acquire_owned().await.ok();
            Uncancelled::new(call(place), worker).await
        })),
    }
}

/// The answer that is given `at` this time to a request that was complete.
fn answered_at_once(
    response: Response<Full<Bytes>>,
    activity: &Arc<Activity>,
    at: Instant,
) -> Response<AnswerBody> {
    response.map(|body| match whole(body) {
        bytes if bytes.is_empty() => {
            activity.answered_at_once(at);
            AnswerBody::empty()
        }
        bytes => AnswerBody::new(bytes, activity.begin_answered(at)),
    })
}

/// The answer that is given `at` this time. One that comes before the whole of its request is the last on an HTTP/1 connection,
/// which cannot be told from the middle of a body where the next request begins; and it says so.
fn answered(
    response: Response<Full<Bytes>>,
    exchange: Exchange,
    at: Instant,
    version: Version,
) -> Response<AnswerBody> {
    let is_last = exchange.answered(at) && version < Version::HTTP_2;
    let mut response = response.map(|body| AnswerBody::new(whole(body), exchange));
    if is_last {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn protocols(worker: Worker) -> auto::Builder<Worker> {
    let mut builder = auto::Builder::new(worker);
    builder
        .http1()
        // `Activity` has a deadline for the whole of a request; hyper would set a timer for the head of each.
        .header_read_timeout(None)
        .max_buf_size(HTTP1_HEAD_BYTES)
        // A client may close its sending side after its last request and still wait for the answer.
        .half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HTTP2_HEAD_BYTES)
        .max_concurrent_streams(HTTP2_STREAMS)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS)
        .max_local_error_reset_streams(HTTP2_LOCAL_RESETS);
    builder
}

#[cfg(test)]
mod tests;
