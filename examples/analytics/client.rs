use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, bail};
use breather_examples::analytics::Conversation;
#[cfg(test)]
use breather_examples::analytics::InProcess;
use breather_reqwest::{
    RetryMiddleware,
    breather::{
        AttemptResult, Breather, CallOptions, ClassifyHttp, DefaultClassifier, Outcome, ReportSlot,
    },
};
use reqwest::StatusCode;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

/// The API's calls, and a count of them.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: ClientWithMiddleware,
    details: String,
    calls: Arc<AtomicU64>,
}

impl Client {
    /// Sends each call once, as it is.
    pub(crate) fn plain(details: String) -> reqwest::Result<Self> {
        Ok(Self::new(ClientBuilder::new(http()?).build(), details))
    }

    /// Sends each call when there is room for it, and again where that helps.
    pub(crate) fn paced(details: String, breather: Breather) -> reqwest::Result<Self> {
        let http = ClientBuilder::new(http()?).with(retry(breather)).build();
        Ok(Self::new(http, details))
    }

    /// Works like [`plain`](Self::plain), without a socket.
    #[cfg(test)]
    pub(crate) fn plain_in_process(api: &InProcess) -> Self {
        let http = ClientBuilder::new(reqwest::Client::new());
        Self::new(http.with(api.clone()).build(), InProcess::details_url())
    }

    /// Works like [`with_paced`](Self::with_paced), without a socket. Each run draws the same delays.
    #[cfg(test)]
    pub(crate) fn paced_in_process(api: &InProcess, seed: u64) -> Self {
        let retry = retry(Breather::default()).with_seed(seed);
        let http = ClientBuilder::new(reqwest::Client::new()).with(retry);
        Self::new(http.with(api.clone()).build(), InProcess::details_url())
    }

    pub(crate) fn new(http: ClientWithMiddleware, details: String) -> Self {
        Self {
            http,
            details,
            calls: Arc::default(),
        }
    }

    /// The calls that were made, of which each took one send at least. What is polled is as many calls as polls.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// One conversation.
    pub(crate) async fn conversation(&self, id: &str) -> anyhow::Result<Conversation> {
        self.count(1);
        self.attempt(id).await
    }

    /// For loops that send a call several times, and [count](Self::count) it once.
    pub(crate) async fn attempt(&self, id: &str) -> anyhow::Result<Conversation> {
        let url = format!("{}/summary?conversationId={id}", self.details);
        let body = self.send(self.http.get(url)).await?;
        let page: Page = serde_json::from_slice(&body).context("cannot read the answer")?;
        let row = page.conversations.into_iter().next();
        row.context("the answer has no conversation")
    }

    /// A page of the conversations with these `ids`, counted from 1.
    pub(crate) async fn query(
        &self,
        ids: &[String],
        size: usize,
        number: usize,
    ) -> anyhow::Result<Page> {
        let body = json!({
            "conversationIds": ids,
            "paging": { "pageSize": size, "pageNumber": number },
        });
        let request = self
            .http
            .post(format!("{}/query", self.details))
            .body(body.to_string())
            // It asks and changes nothing, though it is a POST.
            .with_extension(CallOptions::new().with_idempotent(true));
        self.call(request).await
    }

    /// The instant up to which jobs know of conversations.
    pub(crate) async fn available_until(&self) -> anyhow::Result<String> {
        let url = format!("{}/jobs/availability", self.details);
        let availability: Availability = self.call(self.http.get(url)).await?;
        Ok(availability.data_availability_date)
    }

    /// Makes a job, and returns its id.
    ///
    /// A rejection is waited for. What may have made a job already is sent again only with a `key`, by which the
    /// server knows it.
    pub(crate) async fn submit(&self, key: Option<&str>) -> anyhow::Result<String> {
        let mut request = self
            .http
            .post(format!("{}/jobs", self.details))
            .body("{}")
            .with_extension(CallOptions::new().with_scope(self.scopes_of_submissions()));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let submitted: Submitted = self.call(request).await?;
        Ok(submitted.job_id)
    }

    /// The state of a job when it is over, or when the call stops.
    pub(crate) async fn state(&self, job: &str) -> anyhow::Result<String> {
        let slot = ReportSlot::new();
        let url = format!("{}/jobs/{job}", self.details);
        let request = self.http.get(url).with_extension(slot.clone());
        let state: JobState = self.call(request).await?;
        // Each poll that found the job running was a call as well, to the limits at least.
        let report = slot.report().unwrap_or_default();
        let polls = report.attempts() - report.failures() - report.throttled();
        self.count(polls.saturating_sub(1).into());
        Ok(state.state)
    }

    /// A page of a job's results: the first, or the one that a page before named.
    pub(crate) async fn results(
        &self,
        job: &str,
        cursor: Option<&str>,
        size: usize,
    ) -> anyhow::Result<Page> {
        let mut url = format!("{}/jobs/{job}/results?pageSize={size}", self.details);
        if let Some(cursor) = cursor {
            url.push_str("&cursor=");
            url.push_str(cursor);
        }
        self.call(self.http.get(url)).await
    }

    pub(crate) async fn delete(&self, job: &str) -> anyhow::Result<()> {
        self.count(1);
        let url = format!("{}/jobs/{job}", self.details);
        self.send(self.http.delete(url)).await?;
        Ok(())
    }

    /// A job too many is throttled while there is quota, and holds the submissions alone; a spent quota holds
    /// all calls to the host.
    fn scopes_of_submissions(&self) -> [String; 2] {
        let host = self.details.split('/').nth(2).unwrap_or(&self.details);
        [format!("jobs of {host}"), host.to_owned()]
    }

    pub(crate) fn count(&self, calls: u64) {
        self.calls.fetch_add(calls, Ordering::Relaxed);
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        self.count(1);
        let body = self.send(request).await?;
        serde_json::from_slice(&body).context("cannot read the answer")
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Vec<u8>> {
        let response = request.send().await?;
        let status = response.status();
        // To its end also when it failed, so that its connection can be used again.
        let body = response.bytes().await?;
        if !status.is_success() {
            bail!(Failure(status));
        }
        Ok(body.into())
    }
}

/// An answer that is none.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) StatusCode);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server said {}", self.0)
    }
}

impl std::error::Error for Failure {}

/// A page of a query or of a job's results.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    pub(crate) conversations: Vec<Conversation>,
    #[serde(default)]
    pub(crate) errors: Vec<ItemFailure>,
    /// Of a query, on all its pages.
    #[serde(default)]
    pub(crate) total_hits: usize,
    /// Of the next page of a job's results, unless this is the last.
    pub(crate) cursor: Option<String>,
}

/// What became of a conversation that a query asked for in vain.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemFailure {
    pub(crate) conversation_id: String,
    pub(crate) status: u16,
    pub(crate) code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Availability {
    data_availability_date: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submitted {
    job_id: String,
}

#[derive(Deserialize)]
struct JobState {
    state: String,
}

fn http() -> reqwest::Result<reqwest::Client> {
    // A proxy from the environment would stand between the calls and the server.
    reqwest::Client::builder().no_proxy().build()
}

fn retry(breather: Breather) -> RetryMiddleware {
    RetryMiddleware::new(breather)
        // A page that is cut off is an attempt that failed; and the state of a job is in the body.
        .with_buffered_bodies(MOST_BYTES)
        .with_classifier(classify)
}

fn classify(ending: &AttemptResult<'_>) -> Outcome {
    match (ending.result, ending.body) {
        (Ok(StatusCode::OK), Some(body)) if is_running(body) => {
            Outcome::pending("the job is running")
        }
        _ => DefaultClassifier.classify(ending),
    }
}

fn is_running(body: &[u8]) -> bool {
    // All else that is answered is longer, and need not be read twice.
    body.len() < 200
        && serde_json::from_slice(body)
            .is_ok_and(|JobState { state }| state == "QUEUED" || state == "PENDING")
}

/// More than a page of results.
const MOST_BYTES: usize = 16 << 20;
