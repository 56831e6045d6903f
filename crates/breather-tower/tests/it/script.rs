//! A service that answers by a script, and insists on being readied.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use breather_tower::breather::{Report, ReportSlot};
use http::{HeaderMap, Method, Request, Response, header::HeaderName};
use tokio::time::{Instant, sleep};
use tower::{BoxError, Service, ServiceExt as _};

/// A service that answers by a script. Clones share it, and each has a readiness of its own.
///
/// It panics if it is called without having been readied.
#[derive(Debug, Default)]
pub(crate) struct Script {
    state: Arc<Mutex<State>>,
    is_readied: bool,
}

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Answer>,
    sends: Vec<Send>,
    readied: usize,
    /// What is still to be answered to those who ask whether it is ready.
    readiness: VecDeque<Result<(), io::ErrorKind>>,
}

/// What is answered to one request, and after what time.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    result: Result<u16, Fault>,
    headers: HeaderMap,
    after: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Io(io::ErrorKind),
    PanicInCall,
    PanicInFlight,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) attempts_seen: usize,
}

/// Counts the attempts that came by in the extensions of a call.
#[derive(Clone, Debug, Default)]
struct Seen(usize);

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::new(Ok(status))
    }

    pub(crate) fn error(kind: io::ErrorKind) -> Self {
        Self::new(Err(Fault::Io(kind)))
    }

    pub(crate) fn panic_in_call() -> Self {
        Self::new(Err(Fault::PanicInCall))
    }

    pub(crate) fn panic_in_flight() -> Self {
        Self::new(Err(Fault::PanicInFlight))
    }

    fn new(result: Result<u16, Fault>) -> Self {
        let (headers, after) = Default::default();
        Self {
            result,
            headers,
            after,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        let value = value.to_string().parse().unwrap();
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }
}

/// A rejection that asks for `seconds`.
pub(crate) fn rejection(seconds: u64) -> Answer {
    Answer::status(429).with("retry-after", seconds)
}

impl Script {
    /// Answers so, one after the other, and 200 from then on.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Self::default();
        script.lock().answers = answers.into_iter().collect();
        script
    }

    /// Answers so to those who ask whether it is ready, and that it is from then on.
    pub(crate) fn with_readiness(
        self,
        readiness: impl IntoIterator<Item = Result<(), io::ErrorKind>>,
    ) -> Self {
        self.lock().readiness = readiness.into_iter().collect();
        self
    }

    pub(crate) fn sends(&self) -> Vec<Send> {
        self.lock().sends.clone()
    }

    /// How many clones are readied and neither called nor dropped.
    pub(crate) fn readied(&self) -> usize {
        self.lock().readied
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn unready(&mut self) {
        if std::mem::take(&mut self.is_readied) {
            self.lock().readied -= 1;
        }
    }
}

impl Clone for Script {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            is_readied: false,
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.unready();
    }
}

impl Service<Request<String>> for Script {
    type Response = Response<String>;
    type Error = BoxError;
    type Future =
        Pin<Box<dyn Future<Output = Result<Response<String>, BoxError>> + std::marker::Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if !self.is_readied {
            let mut state = self.lock();
            if let Some(Err(kind)) = state.readiness.pop_front() {
                return Poll::Ready(Err(io::Error::from(kind).into()));
            }
            state.readied += 1;
            drop(state);
            self.is_readied = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<String>) -> Self::Future {
        assert!(self.is_readied, "called without having been readied");
        self.unready();
        let seen = request.extensions_mut().get_or_insert_default::<Seen>();
        seen.0 += 1;
        let attempts_seen = seen.0;
        let send = Send {
            at: Instant::now(),
            method: request.method().clone(),
            headers: request.headers().clone(),
            attempts_seen,
            body: request.into_body(),
        };
        let mut state = self.lock();
        state.sends.push(send);
        let answer = state
            .answers
            .pop_front()
            .unwrap_or_else(|| Answer::status(200));
        drop(state);
        assert!(
            !matches!(answer.result, Err(Fault::PanicInCall)),
            "a service of the caller's"
        );
        Box::pin(async move {
            if !answer.after.is_zero() {
                sleep(answer.after).await;
            }
            match answer.result {
                Ok(status) => {
                    let mut response = Response::new(String::new());
                    *response.status_mut() = status.try_into()?;
                    *response.headers_mut() = answer.headers;
                    Ok(response)
                }
                Err(Fault::Io(kind)) => Err(io::Error::from(kind).into()),
                Err(_) => panic!("a service of the caller's"),
            }
        })
    }
}

pub(crate) const URI: &str = "http://user:password@api.example.com/v1/rows?token=secret";

pub(crate) const SCOPE: &str = "http://api.example.com";

pub(crate) fn request(method: Method) -> Request<String> {
    Request::builder()
        .method(method)
        .uri(URI)
        .body("a row".to_owned())
        .unwrap()
}

/// Sends one call through a clone of `service`, and returns its answer and its report.
pub(crate) async fn call<S>(
    service: &S,
    mut request: Request<String>,
) -> (Result<Response<String>, BoxError>, Report)
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError> + Clone,
{
    let slot = ReportSlot::new();
    request.extensions_mut().insert(slot.clone());
    let result = service.clone().oneshot(request).await;
    (result, slot.report().unwrap())
}

pub(crate) async fn get<S>(service: &S) -> (u16, Report)
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError> + Clone,
{
    let (result, report) = call(service, request(Method::GET)).await;
    (result.unwrap().status().as_u16(), report)
}
