//! What a client still sends when its answer is known already: it is read and forgotten. Closing the connection on
//! it would take the answer away on its way to the client (RFC 9112, section 9.6), who then hears of a broken
//! connection where the quota or the disk was full.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use tokio::time::timeout;

/// So long is listened to who goes on sending.
const PATIENCE: Duration = Duration::from_secs(60);

/// A body that two hold: who answers the request, and [`Rest`].
pub struct Watched<B>(Arc<Mutex<State<B>>>);

struct State<B> {
    body: B,
    /// Somebody has asked for it.
    begun: bool,
}

/// What is left of a body once the request was answered.
pub struct Rest<B> {
    state: Arc<Mutex<State<B>>>,
    /// The client sends nothing before it is told to (RFC 9110, section 10.1.1).
    waits: bool,
}

/// The body of a request with these headers, and what is left of it later.
pub fn watched<B>(headers: &HeaderMap, body: B) -> (Watched<B>, Rest<B>) {
    let state = Arc::new(Mutex::new(State { body, begun: false }));
    let expected = headers.get(header::EXPECT).map(|value| value.as_bytes().to_ascii_lowercase());
    let waits = expected.as_deref() == Some(b"100-continue");
    (Watched(Arc::clone(&state)), Rest { state, waits })
}

fn locked<B>(state: &Mutex<State<B>>) -> MutexGuard<'_, State<B>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut state = locked(&self.0);
        state.begun = true;
        Pin::new(&mut state.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        locked(&self.0).body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        locked(&self.0).body.size_hint()
    }
}

impl<B: Body + Unpin> Rest<B> {
    /// Reads it to its end, for as long as [`PATIENCE`]. Nothing where the client waits for a word.
    pub async fn forget(self) {
        let is_over = {
            let state = locked(&self.state);
            state.body.is_end_stream() || (self.waits && !state.begun)
        };
        if is_over {
            return;
        }
        let mut body = Watched(self.state);
        let read = async {
            while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {}
        };
        let _ = timeout(PATIENCE, read).await;
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body as AnyBody, Bytes};
    use futures_util::StreamExt as _;
    use http_body_util::BodyExt as _;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    /// A body of three pieces, and what tells of each that was asked for.
    fn pieces() -> (AnyBody, UnboundedReceiver<u8>) {
        let (told, asked) = unbounded_channel();
        let pieces = futures_util::stream::iter(0..3).map(move |piece: u8| {
            let _ = told.send(piece);
            Ok::<_, std::io::Error>(Bytes::from(vec![piece; 10]))
        });
        (AnyBody::from_stream(pieces), asked)
    }

    fn count(mut asked: UnboundedReceiver<u8>) -> usize {
        std::iter::from_fn(|| asked.try_recv().ok()).count()
    }

    #[tokio::test]
    async fn what_nobody_read_is_read() {
        let (body, asked) = pieces();
        let (mut body, rest) = watched(&HeaderMap::new(), body);
        assert_eq!(body.frame().await.expect("one").expect("read").into_data().expect("bytes")[0], 0);
        drop(body);
        rest.forget().await;
        assert_eq!(count(asked), 3);
    }

    #[tokio::test]
    async fn who_waits_for_a_word_is_not_told_to_send() {
        let waits = HeaderMap::from_iter([(header::EXPECT, "100-Continue".parse().expect("a value"))]);
        let (body, asked) = pieces();
        let (body, rest) = watched(&waits, body);
        drop(body);
        rest.forget().await;
        assert_eq!(count(asked), 0);
        let (body, asked) = pieces();
        let (mut body, rest) = watched(&waits, body);
        assert!(body.frame().await.is_some());
        rest.forget().await;
        assert_eq!(count(asked), 3);
    }
}
