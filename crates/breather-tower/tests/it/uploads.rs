//! Streaming bodies over real sockets.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body as Incoming;
use breather_tower::breather::{Breather, EndReason, Policy, ReportSlot};
use breather_tower::{BoxErrors, Http, Replay, ReplayBody, Retry, RetryLayer};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use http_body_util::channel::Channel;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tower::{BoxError, Layer as _, Service as _, ServiceExt as _};

use crate::sockets::quick;
use crate::stream::{Part, Stream, trailers};

type Uploader<B> = Retry<BoxErrors<Client<HttpConnector, ReplayBody<B>>>, Http, Replay>;

fn uploader<B>(breather: Breather, limit: usize) -> Uploader<B>
where
    B: Body + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let client = Client::builder(TokioExecutor::new()).build_http();
    RetryLayer::new(breather)
        .replay(limit)
        .box_errors()
        .layer(client)
}

/// A body that a server has read to its end.
#[derive(Clone, Debug, PartialEq)]
struct Upload {
    content_length: Option<String>,
    data: Bytes,
    trailers: Option<HeaderMap>,
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    uri
}

/// Reads each body completely, and responds with 503 `times` times, then with 200.
async fn unavailable(times: usize) -> (String, Arc<Mutex<Vec<Upload>>>) {
    let uploads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&uploads);
    let router = Router::new().fallback(move |request: Request<Incoming>| async move {
        let (head, body) = request.into_parts();
        let length = head.headers.get(header::CONTENT_LENGTH);
        let content_length = length.map(|length| length.to_str().unwrap().to_owned());
        let Ok(body) = body.collect().await else {
            return StatusCode::BAD_REQUEST;
        };
        let mut uploads = seen.lock().unwrap();
        uploads.push(Upload {
            content_length,
            trailers: body.trailers().cloned(),
            data: body.to_bytes(),
        });
        if uploads.len() > times {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    });
    (serve(router).await, uploads)
}

fn put<B>(uri: &str, body: B) -> (Request<B>, ReportSlot) {
    let slot = ReportSlot::new();
    let request = Request::put(uri).extension(slot.clone());
    (request.body(body).unwrap(), slot)
}

#[tokio::test]
async fn stream_is_sent_whole_in_each_attempt() {
    for known in [true, false] {
        let (uri, uploads) = unavailable(2).await;
        let stream = Stream::of(&["one ", "two ", "three"]);
        let stream = if known { stream.known() } else { stream };
        let (request, slot) = put(&uri, stream);
        let response = uploader(quick(), 13).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(slot.report().unwrap().attempts(), 3);
        let expected = Upload {
            content_length: known.then(|| "13".to_owned()),
            data: "one two three".into(),
            trailers: None,
        };
        assert_eq!(*uploads.lock().unwrap(), vec![expected; 3]);
    }
}

#[tokio::test]
async fn stream_over_limit_is_sent_once() {
    for known in [true, false] {
        let (uri, uploads) = unavailable(2).await;
        let stream = Stream::of(&["one ", "two ", "three"]);
        let stream = if known { stream.known() } else { stream };
        let (request, slot) = put(&uri, stream);
        let response = uploader(quick(), 12).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 503);
        let report = slot.report().unwrap();
        let reason = report.end().unwrap().reason();
        assert_eq!(reason, EndReason::NotReplayable);
        let [upload] = &uploads.lock().unwrap()[..] else {
            panic!("sent more than once")
        };
        assert_eq!(upload.data, "one two three");
    }
}

#[tokio::test]
async fn trailers_are_sent_again() {
    let (uri, uploads) = unavailable(1).await;
    let parts = [Part::Data("rows".into()), Part::Trailers(trailers(7))];
    let (mut request, _) = put(&uri, Stream::new(parts));
    // hyper sends no trailers without this header.
    let announced = header::HeaderValue::from_static("checksum");
    request.headers_mut().insert(header::TRAILER, announced);
    let response = uploader(quick(), 99).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let expected = Upload {
        content_length: None,
        data: "rows".into(),
        trailers: Some(trailers(7)),
    };
    assert_eq!(*uploads.lock().unwrap(), vec![expected; 2]);
}

#[tokio::test]
async fn failing_stream_is_not_sent_again() {
    let (uri, uploads) = unavailable(0).await;
    let (request, slot) = put(&uri, Stream::new([Part::Data("row".into()), Part::Error]));
    let error = uploader(quick(), 99).oneshot(request).await.unwrap_err();
    let mut chain = std::iter::successors(Some(&*error as &dyn std::error::Error), |e| e.source());
    assert!(chain.any(|error| error.to_string() == "the file is gone"));
    assert_eq!(slot.report().unwrap().attempts(), 1);
    assert!(uploads.lock().unwrap().is_empty());
}

/// A server that responds with 503 to the first request after its first frame, reads the rest, and
/// reports whether the body was complete.
async fn hasty() -> (String, mpsc::UnboundedReceiver<(Bytes, bool)>) {
    let (tell, told) = mpsc::unbounded_channel();
    let is_first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let router = Router::new().fallback(move |request: Request<Incoming>| async move {
        let mut body = request.into_body();
        let is_first = is_first.swap(false, std::sync::atomic::Ordering::SeqCst);
        let mut data = body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
            .to_vec();
        let (done, is_done) = oneshot::channel();
        tokio::spawn(async move {
            let is_whole = loop {
                match body.frame().await {
                    Some(Ok(frame)) => data.extend(frame.into_data().unwrap()),
                    end => break end.is_none(),
                }
            };
            tell.send((data.into(), is_whole)).unwrap();
            let _ = done.send(());
        });
        if is_first {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        is_done.await.unwrap();
        StatusCode::OK
    });
    (serve(router).await, told)
}

#[tokio::test]
async fn early_rejection_passes_body_to_next_attempt() {
    let (uri, mut told) = hasty().await;
    let (mut sender, body) = Channel::<Bytes>::new(4);
    let (request, slot) = put(&uri, body);
    let call = tokio::spawn(uploader(quick(), 99).oneshot(request));
    sender.send_data("one ".into()).await.unwrap();
    // The connection waits for more of the body, which does not come. It must end with an error, so
    // that the server doesn't take the part for the whole.
    assert_eq!(told.recv().await.unwrap(), ("one ".into(), false));
    sender.send_data("two ".into()).await.unwrap();
    sender.send(Frame::data("three".into())).await.unwrap();
    drop(sender);
    assert_eq!(told.recv().await.unwrap(), ("one two three".into(), true));
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
    assert_eq!(slot.report().unwrap().attempts(), 2);
}

#[tokio::test]
async fn early_last_response_leaves_body_to_connection() {
    let (uri, mut told) = hasty().await;
    let (mut sender, body) = Channel::<Bytes>::new(4);
    let once = Policy::new().with_max_retries(0);
    let (request, slot) = put(&uri, body);
    // The future is kept after its end, to check that it does not block the body.
    let mut service = uploader(Breather::new(once), 99);
    let mut call = Box::pin(service.ready().await.unwrap().call(request));
    sender.send_data("one ".into()).await.unwrap();
    let response = call.as_mut().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            slot.report().unwrap().attempts()
        ),
        (503, 1)
    );
    sender.send_data("two".into()).await.unwrap();
    drop(sender);
    assert_eq!(told.recv().await.unwrap(), ("one two".into(), true));
}

#[tokio::test(start_paused = true)]
async fn timed_out_upload_is_retried_if_recorded() {
    /// Reads the body, and never responds to the first attempt.
    async fn slow(request: Request<ReplayBody<Stream>>) -> Result<http::Response<()>, BoxError> {
        let is_first = request.headers()["attempt"] == "1";
        let body = request.into_body().collect().await?.to_bytes();
        assert_eq!(body, "one two");
        if is_first {
            std::future::pending::<()>().await;
        }
        Ok(http::Response::new(()))
    }
    let policy = Policy::new().with_attempt_timeout(std::time::Duration::from_secs(1));
    let retry = RetryLayer::new(Breather::new(policy));
    for (limit, attempts) in [(7, 2), (6, 1)] {
        let retry = retry.clone().replay(limit);
        let retry = retry.with_attempt_header(header::HeaderName::from_static("attempt"));
        let service = retry.layer(tower::service_fn(slow));
        let (request, slot) = put("http://api.example.com/", Stream::of(&["one ", "two"]));
        let result = service.oneshot(request).await;
        assert_eq!(result.is_ok(), attempts == 2);
        assert_eq!(slot.report().unwrap().attempts(), attempts);
    }
}
