//! A stream on which hyper's own answers go out as the service's: with a body that tells what is wrong, and with a
//! request id, like every other.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::activity::Activity;
use crate::answer_body::whole;
use crate::bare_answer::BareAnswer;
use crate::handler::Handler;

/// A stream that sends a refusal of its handler's in the place of each [`BareAnswer`].
///
/// hyper has no hook for what it answers by itself, so it is recognized by its form. To mistake anything else for it
/// would be worse than to leave one be: only a write on HTTP/1 that is such an answer from its first byte to its last,
/// while no answer of the service is on its way, is taken for one.
pub(crate) struct FullAnswers<S, H> {
    stream: S,
    handler: Arc<H>,
    activity: Arc<Activity>,
    /// Whether the protocol is HTTP/1: unknown until the first write.
    is_http1: Option<bool>,
    refusal: Option<Refusal>,
}

/// A refusal on its way. The bare answer counts as written when this has been written whole, so that nothing comes
/// between, and whoever flushes waits for it.
struct Refusal {
    rest: Bytes,
    /// The length of the bare answer.
    stands_for: usize,
}

impl<S, H: Handler> FullAnswers<S, H> {
    pub(crate) fn new(stream: S, handler: Arc<H>, activity: Arc<Activity>) -> Self {
        Self { stream, handler, activity, is_http1: None, refusal: None }
    }

    /// The refusal in the place of `bytes`, if they are a bare answer.
    fn refusal_for(&self, bytes: &[u8]) -> Option<Refusal> {
        let bare = BareAnswer::read(bytes).filter(|_| !self.activity.is_answering())?;
        self.activity.refused_unread();
        let response = self.handler.refusal(bare.status()).map(whole);
        Some(Refusal { rest: bare.replaced_by(&response), stands_for: bytes.len() })
    }
}

impl<S: AsyncWrite + Unpin, H: Handler> FullAnswers<S, H> {
    /// Writes the refusal that is on its way or is due in the place of the bytes of `slices`; `None` if there is none.
    fn poll_refusal(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.refusal.is_none() {
            let first = slices.first()?;
            let is_http1 = *self.is_http1.get_or_insert_with(|| first.starts_with(b"HTTP/1."));
            // More than one slice is an answer with a body.
            if is_http1 && slices.len() == 1 {
                self.refusal = self.refusal_for(first);
            }
        }
        let refusal = self.refusal.as_mut()?;
        let written = refusal.poll_write(Pin::new(&mut self.stream), context);
        if written.is_ready() {
            self.refusal = None;
        }
        Some(written)
    }
}

impl Refusal {
    fn poll_write(
        &mut self,
        mut stream: Pin<&mut impl AsyncWrite>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        while self.rest.has_remaining() {
            match ready!(stream.as_mut().poll_write(context, &self.rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.rest.advance(count),
            }
        }
        Poll::Ready(Ok(self.stands_for))
    }
}

impl<S: AsyncRead + Unpin, H: Handler> AsyncRead for FullAnswers<S, H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, H: Handler> AsyncWrite for FullAnswers<S, H> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.poll_refusal(context, &[IoSlice::new(bytes)]) {
            Some(written) => written,
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.poll_refusal(context, slices) {
            Some(written) => written,
            None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
