//! The body of a request, as a handler reads it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::activity::Receipt;
use crate::quiet_waker::withheld;

/// No more of a body is passed over: as much as one may have that is read.
const PASSED_OVER: usize = 64 * 1024;

/// The body of a request. When it has been read to its end, the connection knows that the request is complete.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Incoming,
    receipt: Receipt,
    /// What came of reading it before anybody else does.
    ahead: Option<Result<Frame<Bytes>, hyper::Error>>,
}

/// What came of reading a body once before its call begins.
#[derive(Debug)]
pub(crate) struct Ahead {
    read: Poll<Option<Result<Frame<Bytes>, hyper::Error>>>,
    is_whole: bool,
}

impl Ahead {
    /// Reads as much as is there in one piece.
    ///
    /// For the connection itself, while it is asking for the answer. On HTTP/1 (`is_http1`) it is not woken for a body that is whole.
    pub(crate) fn read(incoming: &mut Incoming, is_http1: bool, context: &mut Context<'_>) -> Self {
        let read = || {
            let read = Pin::new(&mut *incoming).poll_frame(context);
            Self { read, is_whole: incoming.is_end_stream() }
        };
        withheld(read, |ahead| is_http1 && ahead.is_whole)
    }

    /// The whole body, if that was all of it.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match &self.read {
            Poll::Ready(Some(Ok(frame))) if self.is_whole => frame.data_ref(),
            _ => None,
        }
    }

    /// Whether there is nothing more to come.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_whole || matches!(self.read, Poll::Ready(None))
    }
}

impl RequestBody {
    /// One of which so much has been read already, so that nothing is lost.
    pub(crate) fn new(incoming: Incoming, ahead: Option<Ahead>, receipt: Receipt) -> Self {
        let ahead = ahead.and_then(|ahead| match ahead.read {
            Poll::Ready(read) => read,
            Poll::Pending => None,
        });
        Self { incoming, receipt, ahead }
    }

    /// Reads on without looking, as far as the rest has come already: where that is all of it, an HTTP/1 connection can go on.
    pub(crate) async fn pass_over(&mut self) {
        let (mut bytes_left, mut has_asked) = (PASSED_OVER, false);
        poll_fn(|context| {
            while !self.is_end_stream() {
                match Pin::new(&mut *self).poll_frame(context) {
                    Poll::Ready(Some(Ok(frame))) => {
                        has_asked = false;
                        let length = frame.data_ref().map_or(0, Bytes::len);
                        match bytes_left.checked_sub(length) {
                            Some(left) => bytes_left = left,
                            None => return Poll::Ready(()),
                        }
                    }
                    Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                    // Asked for, the connection hands over what it has when it is run again; if that is nothing, it is not there.
                    Poll::Pending if has_asked => return Poll::Ready(()),
                    Poll::Pending => {
                        has_asked = true;
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    fn note_end(&self) {
        if self.incoming.is_end_stream() {
            self.receipt.complete();
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(Some(ahead));
        }
        let polled = Pin::new(&mut self.incoming).poll_frame(context);
        match &polled {
            Poll::Ready(None) => self.receipt.complete(),
            // A body of known length ends with its last byte; its reader need not ask again.
            Poll::Ready(Some(Ok(_))) => self.note_end(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.ahead {
            None => self.incoming.size_hint(),
            Some(_) => SizeHint::default(),
        }
    }
}
