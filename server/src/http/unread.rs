//! What is left of a body when its request is answered.
//!
//! INVARIANT: a connection on which something of a body is still to come is never taken for another request: the rest is read
//! and dropped first, for [`LINGER`] at most, and then the answer says that the connection closes (RFC 9112, section 9.6). A
//! client that sends head and body one after the other would else find a connection closed that it was told nothing of.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long an answer waits for the rest of a body.
const LINGER: Duration = Duration::from_secs(5);

/// Reads what nobody wanted of a body, before the answer.
pub(super) async fn dropped(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Who waits to be asked for the body is not asked for what nobody reads.
    let waits = request.headers().contains_key(header::EXPECT);
    let (give, mut given) = oneshot::channel();
    let lent = |body| Body::new(Lent { body: Some(body), give: Some(give) });
    let mut response = next.run(request.map(lent)).await;
    let is_read = match given.try_recv() {
        Ok(rest) => !waits && tokio::time::timeout(LINGER, read(rest)).await.unwrap_or(false),
        Err(oneshot::error::TryRecvError::Closed) => true,
        Err(oneshot::error::TryRecvError::Empty) => false,
    };
    if !is_read {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads a body to its end, and tells whether that was reached.
async fn read(mut body: Body) -> bool {
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return false;
        }
    }
    true
}

/// A body that is given back when it is dropped before its end.
struct Lent {
    body: Option<Body>,
    give: Option<oneshot::Sender<Body>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if frame.is_none() {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        if let (Some(rest), Some(give)) = (rest, self.give.take()) {
            // Nobody takes it where the whole request was given up.
            let _ = give.send(rest);
        }
    }
}
