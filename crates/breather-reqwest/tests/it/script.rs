//! A middleware at the end of the chain that answers by a script, in place of a network.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breather_reqwest::RetryMiddleware;
use http::{Extensions, HeaderMap};
use reqwest::{Body, Method, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use tokio::time::{Instant, sleep};

/// The answers still to be given, and the requests that came. Clones share both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Answer>,
    sends: Vec<Send>,
}

/// What is answered to one request, and after what time.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    after: Duration,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) url: reqwest::Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) attempts_seen: usize,
}

/// Counts the attempts that came by in the extensions of a call.
#[derive(Clone, Debug, Default)]
struct Seen(usize);

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            after: Duration::ZERO,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
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
        script.0.lock().unwrap().answers = answers.into_iter().collect();
        script
    }

    /// A client that retries by `retry` and gets the script's answers.
    pub(crate) fn client(&self, retry: RetryMiddleware) -> ClientWithMiddleware {
        ClientBuilder::new(reqwest::Client::new())
            .with(retry)
            .with(self.clone())
            .build()
    }

    pub(crate) fn sends(&self) -> Vec<Send> {
        self.0.lock().unwrap().sends.clone()
    }
}

#[async_trait::async_trait]
impl Middleware for Script {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        _next: Next<'_>,
    ) -> Result<Response> {
        let seen = extensions.get_or_insert_default::<Seen>();
        seen.0 += 1;
        let send = Send {
            at: Instant::now(),
            method: request.method().clone(),
            url: request.url().clone(),
            headers: request.headers().clone(),
            body: request.body().and_then(Body::as_bytes).map(<[u8]>::to_vec),
            attempts_seen: seen.0,
        };
        let answer = {
            let mut state = self.0.lock().unwrap();
            state.sends.push(send);
            state
                .answers
                .pop_front()
                .unwrap_or_else(|| Answer::status(200))
        };
        if !answer.after.is_zero() {
            sleep(answer.after).await;
        }
        let mut response = http::Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        // As reqwest's own responses do, it knows the URL that answered.
        let url = reqwest::ResponseBuilderExt::url(response, request.url().clone());
        Ok(url.body(Vec::new()).unwrap().into())
    }
}
