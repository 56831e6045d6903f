//! Bodies whose clones are copies.

use std::borrow::Cow;

use bytes::Bytes;
use http::Request;
use http_body_util::{Either, Empty, Full};

use crate::attempt_header::AttemptHeader;
use crate::http::Http;
use crate::http_with_bodies::HttpWithBodies;
use crate::repeat::{Cloned, Custom, SendOnce, TrustClone};
use crate::replay::Replay;
use breather::Outcome;

/// A request body whose clones are complete and independent copies.
///
/// `Clone` alone does not promise this. For example, octocrab's `OctoBody` is a boxed stream behind
/// an `Arc`. It can be cloned, but its clones share one stream, so the second attempt would have an
/// empty body.
///
/// Implement it for your own body type if its clones are copies. For others, use one of these:
///
/// | method | what it does |
/// |---|---|
/// | [`RetryLayer::replay`](crate::RetryLayer::replay) | records the body while it is sent, up to a limit |
/// | [`RetryLayer::trust_clone`](crate::RetryLayer::trust_clone) | trusts `Clone`, if you know that its clones are copies |
/// | [`RetryLayer::send_once`](crate::RetryLayer::send_once) | paces each request and sends it once |
///
/// # Example
///
/// ```
/// use breather_test::Script;
/// use breather_tower::{CloneableBody, RetryLayer};
/// use http::Request;
/// use tower::{Layer, ServiceExt};
///
/// #[derive(Clone)]
/// struct Json(String);
///
/// impl CloneableBody for Json {}
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let server = Script::new(["503", "200"]);
/// let client = server.clone().map_request(|request: Request<Json>| request.map(|json| json.0));
/// let request = Request::put("https://api.example.com/rows").body(Json("[7]".to_owned()))?;
/// RetryLayer::default().layer(client).oneshot(request).await?;
/// assert_eq!(server.requests()[1].body, "[7]");
/// # Ok(())
/// # }
/// ```
///
/// If a body type does not implement this trait, the service does not compile:
///
/// ```compile_fail
/// use breather_tower::{BoxError, RetryLayer};
/// use tower::{Layer, Service, ServiceExt};
///
/// #[derive(Clone)]
/// struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
///
/// let inner = tower::service_fn(|_: http::Request<Shared>| async {
///     Ok::<_, BoxError>(http::Response::new(String::new()))
/// });
/// let service = RetryLayer::default().layer(inner);
/// let request = http::Request::new(Shared(Default::default()));
/// let _ = service.oneshot(request);
/// ```
#[diagnostic::on_unimplemented(
    message = "clones of the body `{Self}` may share what is left to be read, so that a retry would send an empty body",
    label = "`RetryLayer` does not know how to repeat a request with this body",
    note = "to record each body while it is sent: `RetryLayer::replay(limit)`",
    note = "if clones of the body are copies: `RetryLayer::trust_clone()`, or implement `CloneableBody` for it",
    note = "to send each request once: `RetryLayer::send_once()`"
)]
pub trait CloneableBody: Clone {}

impl CloneableBody for () {}
impl CloneableBody for String {}
impl CloneableBody for &'static str {}
impl CloneableBody for &'static [u8] {}
impl CloneableBody for Vec<u8> {}
impl CloneableBody for Bytes {}
impl CloneableBody for Box<str> {}
impl CloneableBody for Box<[u8]> {}
impl CloneableBody for Cow<'static, str> {}
impl CloneableBody for Cow<'static, [u8]> {}
impl<D> CloneableBody for Empty<D> {}
impl<D: CloneableBody> CloneableBody for Full<D> {}
impl<B: CloneableBody> CloneableBody for Option<B> {}
impl<B: CloneableBody> CloneableBody for Box<B> {}
impl<L: CloneableBody, R: CloneableBody> CloneableBody for Either<L, R> {}

/// A classifier whose requests [`RetryLayer`](crate::RetryLayer) can send again by `R`.
///
/// [`Http`] requires a [`CloneableBody`] if requests are [`Cloned`]. A closure requires only
/// `Clone`, because it does not know about bodies, so use [`Http::by`] to classify HTTP calls by a
/// closure.
///
/// Implement this for your own classifier if its requests may be cloned, or use
/// [`RetryLayer::trust_clone`](crate::RetryLayer::trust_clone).
///
/// # Example
///
/// ```
/// use breather_tower::{BoxError, CanRepeat, Classify, Cloned, RetryLayer};
/// use breather_tower::breather::{Executed, Hint, Outcome};
/// use tower::{Layer, ServiceExt};
///
/// #[derive(Clone)]
/// struct Queries;
///
/// impl Classify<&'static str, u32, BoxError> for Queries {
///     type Kept = ();
///     fn keep(&self, _: &&'static str) {}
///     fn classify(&self, (): &(), result: &Result<u32, BoxError>, _: &Hint<'_>) -> Outcome {
///         match result {
///             Ok(_) => Outcome::success(),
///             Err(_) => Outcome::transient(Executed::No, "no connection"),
///         }
///     }
/// }
///
/// // A clone of a query is the same query.
/// impl<Req, Res, E> CanRepeat<Cloned, Req, Res, E> for Queries {}
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// # let answers = std::sync::Arc::new(std::sync::Mutex::new(vec![Ok(7), Err("refused".into())]));
/// # let answer = move || answers.lock().unwrap().pop().unwrap();
/// # let db = tower::service_fn(move |_: &str| std::future::ready(answer()));
/// // `db` fails first, and then returns 7.
/// let service = RetryLayer::default().with_classifier(Queries).layer(db);
/// assert_eq!(service.oneshot("SELECT count(*) FROM rows").await?, 7);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`RetryLayer` does not know how to send `{Req}` again",
    label = "clones of its body may share what is left to be read, so that a retry would send an empty body",
    note = "to record each body while it is sent: `RetryLayer::replay(limit)`",
    note = "if clones are copies: `RetryLayer::trust_clone()`, or implement `CloneableBody` for the body",
    note = "to send each request once: `RetryLayer::send_once()`"
)]
pub trait CanRepeat<R, Req, Res, E> {}

impl<C, B: CloneableBody, Res, E> CanRepeat<Cloned, Request<B>, Res, E> for Http<C> {}

impl<C, B: CloneableBody, Res, E> CanRepeat<Cloned, Request<B>, Res, E> for HttpWithBodies<C> {}

impl<F, Req, Res, E> CanRepeat<Cloned, Req, Res, E> for F where F: Fn(&Result<Res, E>) -> Outcome {}

impl<C, Req, Res, E> CanRepeat<Replay, Req, Res, E> for C {}

impl<C, Req, Res, E> CanRepeat<SendOnce, Req, Res, E> for C {}

impl<C, Req, Res, E> CanRepeat<TrustClone, Req, Res, E> for C {}

impl<C, R, Req, Res, E> CanRepeat<Custom<R>, Req, Res, E> for C {}

impl<C, R, Req, Res, E> CanRepeat<AttemptHeader<R>, Req, Res, E> for C where
    C: CanRepeat<R, Req, Res, E>
{
}
