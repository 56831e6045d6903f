//! The URI that a response came from.

use breather::driver::Responder;
use http::{Response, Uri};

use crate::origin::is_same_server;

/// The URI that a response came from.
///
/// Put it into a response's extensions if a service inside the layer may send more requests than
/// the one it was given, for example because it follows redirects.
///
/// tower-http's `FollowRedirect` has an extension of its own for this. The layer reads it with the
/// feature `follow-redirect` (enabled by default). If a response has neither extension, the layer
/// assumes that it answers the request that was sent.
///
/// # Example
///
/// ```
/// use breather_tower::AnsweredBy;
/// use http::{Response, Uri};
///
/// // The service was redirected to `/done`, and got this response there.
/// let mut response = Response::new("too many requests");
/// let uri = Uri::from_static("https://api.example.com/done");
/// response.extensions_mut().insert(AnsweredBy(uri));
/// # assert_eq!(response.extensions().get::<AnsweredBy>().unwrap().0.path(), "/done");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "users create it, and it only wraps a URI"
)]
pub struct AnsweredBy(pub Uri);

/// Returns which request of an attempt `response` belongs to, if the attempt asked `asked`.
pub(crate) fn answered<R>(asked: &Uri, response: &Response<R>) -> Responder {
    match uri(response) {
        Some(uri) if uri == asked => Responder::Expected,
        // If a URI has no authority, a service inside the layer completed it.
        Some(uri) if uri.authority().is_none() || asked.authority().is_none() => {
            match uri.path_and_query() == asked.path_and_query() {
                true => Responder::Expected,
                false => Responder::OtherUrl,
            }
        }
        Some(uri) if is_same_server(asked, uri) => Responder::OtherUrl,
        Some(_) => Responder::OtherServer,
        None => Responder::Expected,
    }
}

fn uri<R>(response: &Response<R>) -> Option<&Uri> {
    let extensions = response.extensions();
    if let Some(AnsweredBy(uri)) = extensions.get() {
        return Some(uri);
    }
    #[cfg(feature = "follow-redirect")]
    if let Some(uri) = extensions.get::<tower_http::follow_redirect::RequestUri>() {
        return Some(&uri.0);
    }
    None
}
