//! The body of a request, as a handler reads it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::activity::Receipt;

/// The body of a request. When it has been read to its end, the connection knows that the request is complete.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Incoming,
    receipt: Receipt,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, receipt: Receipt) -> Self {
        Self { incoming, receipt }
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
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
