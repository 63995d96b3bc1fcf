//! One connection: HTTP/1.1 or HTTP/2, over TLS or not, within its deadlines.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use crate::activity::{Activity, Exchange, Patience};
use crate::answer_body::{AnswerBody, whole};
use crate::connection_io::ConnectionIo;
use crate::full_answers::FullAnswers;
use crate::handler::Handler;
use crate::request_body::RequestBody;
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
    let service = {
        let (activity, worker) = (Arc::clone(&activity), worker.clone());
        let places = Arc::new(Semaphore::new(HTTP2_STREAMS as usize));
        service_fn(move |request: Request<Incoming>| {
            let (handler, places) = (Arc::clone(&handler), Arc::clone(&places));
            let (exchange, worker) = (activity.begin(), worker.clone());
            async move {
                // A stream that its client resets is no stream any more, but its call runs to its end: without a place for
                // each call, a client that opens and resets has any number of them under way.
                let place = places.acquire_owned().await;
                let call = async move {
                    let answered = answer(handler, request, peer, exchange).await;
                    drop(place);
                    answered
                };
                Uncancelled::new(call, worker).await
            }
        })
    };
    let protocols = protocols(worker.clone());
    let mut connection = std::pin::pin!(protocols.serve_connection(TokioIo::new(stream), service));

    let mut overdue = std::pin::pin!(activity.overdue());
    let mut draining = std::pin::pin!(worker.draining());
    let mut is_draining = false;
    loop {
        tokio::select! {
            result = &mut connection => {
                if let Err(error) = result {
                    debug!(%peer, error = &*error, "connection broke off");
                }
                return;
            }
            reason = &mut overdue => {
                debug!(%peer, ?reason, "connection closed: the client is overdue");
                return;
            }
            () = &mut draining, if !is_draining => {
                is_draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn answer<H: Handler>(
    handler: Arc<H>,
    request: Request<Incoming>,
    peer: SocketAddr,
    exchange: Exchange,
) -> Result<Response<AnswerBody>, Infallible> {
    let request = request.map(|incoming| RequestBody::new(incoming, exchange.receipt()));
    let (head, body) = handler.handle(request, peer).await.into_parts();
    Ok(Response::from_parts(head, AnswerBody::new(whole(body), exchange)))
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
