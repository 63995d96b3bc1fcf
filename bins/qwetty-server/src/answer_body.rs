//! The body of an answer, which tells its connection how far it got.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

use crate::activity::Exchange;

/// An answer's whole body in one chunk.
#[derive(Debug)]
pub(crate) struct AnswerBody(Option<AnswerChunk>);

/// The bytes of an answer. Whoever writes them advances them, and drops them when the last one has left: that
/// is how a connection knows whether its client reads.
#[derive(Debug)]
pub(crate) struct AnswerChunk {
    bytes: Bytes,
    exchange: Exchange,
}

/// The bytes of a body that is there in one piece.
pub(crate) fn whole(mut body: Full<Bytes>) -> Bytes {
    match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        Poll::Ready(None) | Poll::Pending => Bytes::new(),
    }
}

impl AnswerBody {
    /// What an exchange was answered.
    pub(crate) fn new(bytes: Bytes, exchange: Exchange) -> Self {
        Self(Some(AnswerChunk { bytes, exchange }))
    }

    /// No bytes, of an exchange that is over.
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    fn remaining(&self) -> usize {
        self.0.as_ref().map_or(0, AnswerChunk::remaining)
    }
}

impl Body for AnswerBody {
    type Data = AnswerChunk;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<AnswerChunk>, Infallible>>> {
        Poll::Ready(self.0.take().filter(AnswerChunk::has_remaining).map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining() as u64)
    }
}

impl Buf for AnswerChunk {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        // The end of the exchange tells of the last bytes.
        if self.bytes.has_remaining() {
            self.exchange.moved();
        }
    }
}
