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

/// Makes calls to the API and counts them.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: ClientWithMiddleware,
    details: String,
    calls: Arc<AtomicU64>,
}

impl Client {
    /// Creates a client that sends each call once, without breather.
    pub(crate) fn plain(details: String) -> reqwest::Result<Self> {
        Ok(Self::new(ClientBuilder::new(http()?).build(), details))
    }

    /// Creates a client whose calls breather paces and retries.
    pub(crate) fn paced(details: String, breather: Breather) -> reqwest::Result<Self> {
        let http = ClientBuilder::new(http()?).with(retry(breather)).build();
        Ok(Self::new(http, details))
    }

    /// Creates a client like [`plain`](Self::plain), without a socket.
    #[cfg(test)]
    pub(crate) fn plain_in_process(api: &InProcess) -> Self {
        let http = ClientBuilder::new(reqwest::Client::new());
        Self::new(http.with(api.clone()).build(), InProcess::details_url())
    }

    /// Creates a client like [`paced`](Self::paced), without a socket. The seed fixes its delays.
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

    /// Returns the number of calls so far. Each took at least one send, and each poll is a call.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Fetches one conversation.
    pub(crate) async fn conversation(&self, id: &str) -> anyhow::Result<Conversation> {
        self.count(1);
        self.attempt(id).await
    }

    /// Sends one attempt. Loops use it to retry a call that they [count](Self::count) once.
    pub(crate) async fn attempt(&self, id: &str) -> anyhow::Result<Conversation> {
        let url = format!("{}/summary?conversationId={id}", self.details);
        let body = self.send(self.http.get(url)).await?;
        let page: Page = serde_json::from_slice(&body).context("cannot read the answer")?;
        let row = page.conversations.into_iter().next();
        row.context("the answer has no conversation")
    }

    /// Fetches a page of the conversations with these `ids`. Pages are counted from 1.
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
            // This POST changes nothing, so breather may retry it.
            .with_extension(CallOptions::new().with_idempotent(true));
        self.call(request).await
    }

    /// Fetches the instant up to which jobs include conversations.
    pub(crate) async fn available_until(&self) -> anyhow::Result<String> {
        let url = format!("{}/jobs/availability", self.details);
        let availability: Availability = self.call(self.http.get(url)).await?;
        Ok(availability.data_availability_date)
    }

    /// Submits a job and returns its id.
    ///
    /// breather waits and retries after a rejection. It repeats a submission that may already have
    /// made a job only if you give it a `key`, by which the server recognizes the submission.
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

    /// Polls a job, and returns its state when it is over or when the call ends.
    pub(crate) async fn state(&self, job: &str) -> anyhow::Result<String> {
        let slot = ReportSlot::new();
        let url = format!("{}/jobs/{job}", self.details);
        let request = self.http.get(url).with_extension(slot.clone());
        let state: JobState = self.call(request).await?;
        // Each poll that found the job running was also a call, because the limits count it.
        let report = slot.report().unwrap_or_default();
        let polls = report.attempts() - report.failures() - report.throttled();
        self.count(polls.saturating_sub(1).into());
        Ok(state.state)
    }

    /// Fetches the first page of a job's results, or the page at `cursor`.
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

    /// Returns the scopes of submissions.
    ///
    /// A submission that is throttled because too many jobs run holds only submissions. A spent
    /// quota holds all calls to the host.
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
        // Read the body of failures as well, so that the connection can be reused.
        let body = response.bytes().await?;
        if !status.is_success() {
            bail!(Failure(status));
        }
        Ok(body.into())
    }
}

/// A response with an error status.
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
    /// The rows of a query on all its pages together.
    #[serde(default)]
    pub(crate) total_hits: usize,
    /// The cursor of the next page of a job's results, unless this is the last.
    pub(crate) cursor: Option<String>,
}

/// The failure of one conversation of a query.
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
    // Ignore a proxy that the environment names.
    reqwest::Client::builder().no_proxy().build()
}

fn retry(breather: Breather) -> RetryMiddleware {
    RetryMiddleware::new(breather)
        // Buffered, so that a page that is cut off is a failed attempt and the classifier can read
        // the state of a job.
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
    // Other responses are longer, so this avoids parsing them twice.
    body.len() < 200
        && serde_json::from_slice(body)
            .is_ok_and(|JobState { state }| state == "QUEUED" || state == "PENDING")
}

/// Larger than a page of results.
const MOST_BYTES: usize = 16 << 20;
