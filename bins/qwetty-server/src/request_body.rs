//! The body of a request, as a handler reads it.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::activity::Receipt;
use crate::quiet_waker::withheld;

/// The body of a request. When it has been read to its end, the connection knows that the request is complete.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Incoming,
    receipt: Receipt,
    /// What came of reading it before anybody else does.
    ahead: Option<Result<Frame<Bytes>, hyper::Error>>,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, receipt: Receipt) -> Self {
        Self { incoming, receipt, ahead: None }
    }

    /// The whole body, if it is there in one piece. Nothing is lost if it is not: it reads as it did before.
    ///
    /// For the connection itself, while it is asking for the answer. On HTTP/1 (`is_http1`) it is not woken for a body that is whole.
    pub(crate) fn whole(&mut self, is_http1: bool, context: &mut Context<'_>) -> Option<&Bytes> {
        let (this, is_whole) = (&mut *self, Cell::new(false));
        let read = || {
            let read = Pin::new(&mut *this).poll_frame(context);
            is_whole.set(this.incoming.is_end_stream());
            read
        };
        if let Poll::Ready(read) = withheld(read, |_| is_http1 && is_whole.get()) {
            self.ahead = read;
        }
        match &self.ahead {
            Some(Ok(frame)) if is_whole.get() => frame.data_ref(),
            _ => None,
        }
    }

    fn note_end(&self) {
        if self.incoming.is_end_stream() {
            self.receipt.complete();
        }
    }
}

/// What of it has come already is passed over, so that a connection on which that was all can go on.
impl Drop for RequestBody {
    fn drop(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        while !self.incoming.is_end_stream()
            && let Poll::Ready(Some(Ok(_))) = Pin::new(&mut *self).poll_frame(&mut context)
        {}
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
