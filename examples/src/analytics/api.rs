use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, Response, StatusCode, header::AUTHORIZATION},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{self, sleep};

use super::{
    AVAILABLE_UNTIL, DETAILS, Options, PATH, Stats,
    answer::Reply,
    conversation::Conversations,
    faults::Fault,
    gate::{Admission, Gate, Verdict},
    jobs::{JobState, Jobs},
};

/// The state that all connections share.
#[derive(Clone, Debug)]
pub(super) struct Api(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    gate: Mutex<Gate>,
    jobs: Mutex<Jobs>,
    throttled_jobs: Mutex<u64>,
    conversations: Conversations,
    most_per_query: NonZeroU32,
    most_per_page: NonZeroU32,
}

impl Api {
    pub(super) fn new(options: &Options) -> Self {
        Self(Arc::new(Shared {
            gate: Mutex::new(Gate::new(options)),
            jobs: Mutex::new(Jobs::new(
                options.jobs(),
                options.job_time(),
                options.failing_jobs(),
            )),
            throttled_jobs: Mutex::new(0),
            conversations: Conversations::generate(options.conversations(), options.seed()),
            most_per_query: options.most_per_query(),
            most_per_page: options.most_per_page(),
        }))
    }

    pub(super) fn router(&self) -> Router {
        Router::new()
            .route(PATH, get(summary))
            .route(&format!("{DETAILS}/query"), post(query))
            .route(&format!("{DETAILS}/jobs"), post(submit))
            .route(&format!("{DETAILS}/jobs/availability"), get(availability))
            .route(&format!("{DETAILS}/jobs/{{id}}"), get(state).delete(delete))
            .route(&format!("{DETAILS}/jobs/{{id}}/results"), get(results))
            .with_state(self.clone())
    }

    pub(super) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.gate.lock().expect("gate methods do not panic")
    }

    pub(super) fn conversations(&self) -> &Conversations {
        &self.0.conversations
    }

    pub(super) fn stats(&self) -> Stats {
        let throttled_by_jobs = *self.throttled_jobs();
        let jobs = self.jobs().submitted();
        Stats {
            throttled_by_jobs,
            jobs,
            ..self.gate().stats()
        }
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.0.jobs.lock().expect("job methods do not panic")
    }

    fn throttled_jobs(&self) -> MutexGuard<'_, u64> {
        self.0
            .throttled_jobs
            .lock()
            .expect("incrementing the counter does not panic")
    }

    fn admit(&self, headers: &HeaderMap) -> Admission {
        // All clients without a token share one quota.
        let token = headers.get(AUTHORIZATION);
        let token = token.and_then(|token| token.to_str().ok()).unwrap_or("");
        let mut gate = self.gate();
        // Read the time under the lock, so that the gate never sees it run backwards.
        gate.admit(token, now())
    }

    /// Admits the request, waits for its service time, and does `work` if it was accepted.
    async fn limited(
        self,
        headers: &HeaderMap,
        work: impl FnOnce(&Self) -> Reply,
    ) -> Response<Body> {
        let admission = self.admit(headers);
        let (reply, fault) = match admission.verdict {
            Verdict::Accepted {
                service_time,
                fault,
            } => {
                let place = Place(self);
                sleep(service_time).await;
                let reply = match fault {
                    Some(Fault::Error) => Reply::error(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "internal.server.error",
                        "The request was not executed",
                    ),
                    _ => work(&place.0),
                };
                (reply, fault)
            }
            Verdict::ThrottledByCap => (Reply::rejection(1), None),
            Verdict::ThrottledByQuota => (Reply::rejection(admission.reset_s), None),
        };
        reply.into_response(&admission, fault)
    }
}

/// The place in flight of one accepted call.
///
/// It is freed on drop, because hyper drops the handler if the client disconnects.
struct Place(Api);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.gate().on_call_over();
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummaryParameters {
    conversation_id: Option<String>,
}

async fn summary(
    State(api): State<Api>,
    Query(parameters): Query<SummaryParameters>,
    headers: HeaderMap,
) -> Response<Body> {
    let work = |api: &Api| match parameters.conversation_id {
        None => Reply::ok(json!({ "conversations": 42, "averageHandleSeconds": 317 })),
        Some(id) => match api.conversations().find(&id) {
            Some(row) => Reply::ok(json!({ "conversations": [row] })),
            None => not_found("There is no such conversation"),
        },
    };
    api.limited(&headers, work).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryBody {
    /// Selects all conversations if absent.
    conversation_ids: Option<Vec<String>>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paging {
    page_size: u32,
    /// Counted from 1.
    page_number: u32,
}

async fn query(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let work = |api: &Api| match serde_json::from_slice::<QueryBody>(&body) {
        Ok(query) => page(api, query),
        Err(error) => bad_request(&error.to_string()),
    };
    api.limited(&headers, work).await
}

fn page(api: &Api, query: QueryBody) -> Reply {
    let most = api.0.most_per_page.get();
    let paging = query.paging.unwrap_or(Paging {
        page_size: most,
        page_number: 1,
    });
    if !(1..=most).contains(&paging.page_size) || paging.page_number == 0 {
        return bad_request("There is no such page");
    }
    let size = paging.page_size as usize;
    let before = (paging.page_number as usize - 1).saturating_mul(size);
    let Some(ids) = query.conversation_ids else {
        let all = api.conversations().all();
        let rows: Vec<_> = all.iter().skip(before).take(size).collect();
        return Reply::ok(json!({ "conversations": rows, "totalHits": all.len() }));
    };
    if ids.len() > api.0.most_per_query.get() as usize {
        return bad_request("Too many conversations in one query");
    }

    let mut rows = Vec::new();
    let mut errors = Vec::<Value>::new();
    for id in ids.iter().skip(before).take(size) {
        match api.conversations().find(id) {
            Some(_) if api.gate().fails_item() => errors.push(json!({
                "conversationId": id, "code": "temporarily.unavailable", "status": 503,
            })),
            Some(row) => rows.push(row),
            None => errors.push(json!({
                "conversationId": id, "code": "not.found", "status": 404,
            })),
        }
    }
    Reply::ok(json!({ "conversations": rows, "errors": errors, "totalHits": ids.len() }))
}

async fn submit(State(api): State<Api>, headers: HeaderMap) -> Response<Body> {
    let key = headers.get("idempotency-key");
    let key = key.and_then(|key| key.to_str().ok());
    let work = |api: &Api| {
        let submitted = api.jobs().submit(key, now());
        match submitted {
            Ok(id) => Reply::new(StatusCode::ACCEPTED, json!({ "jobId": id })),
            Err(left) => {
                *api.throttled_jobs() += 1;
                Reply::rejection_for(left)
            }
        }
    };
    api.limited(&headers, work).await
}

async fn availability(State(api): State<Api>, headers: HeaderMap) -> Response<Body> {
    let work = |_: &Api| Reply::ok(json!({ "dataAvailabilityDate": AVAILABLE_UNTIL }));
    api.limited(&headers, work).await
}

async fn state(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let work = |api: &Api| match api.jobs().state(&id, now()) {
        None => no_such_job(),
        Some(state) => {
            let reply = Reply::ok(json!({ "state": state.name() }));
            match state.left() {
                None => reply,
                Some(left) => reply.again_in(left),
            }
        }
    };
    api.limited(&headers, work).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultParameters {
    cursor: Option<String>,
    page_size: Option<usize>,
}

async fn results(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(parameters): Query<ResultParameters>,
    headers: HeaderMap,
) -> Response<Body> {
    let work = |api: &Api| {
        match api.jobs().state(&id, now()) {
            None => return no_such_job(),
            Some(JobState::Fulfilled) => {}
            Some(_) => {
                let status = StatusCode::CONFLICT;
                return Reply::error(status, "not.fulfilled", "The job has no results yet");
            }
        }
        let size = parameters.page_size.unwrap_or(MOST_RESULTS);
        let Some(before) = before_cursor(parameters.cursor.as_deref()) else {
            return bad_request("There is no such cursor");
        };
        if !(1..=MOST_RESULTS).contains(&size) {
            return bad_request("There is no such page size");
        }
        let all = api.conversations().all();
        let rows: Vec<_> = all.iter().skip(before).take(size).collect();
        let mut body = json!({
            "conversations": rows,
            "dataAvailabilityDate": AVAILABLE_UNTIL,
        });
        let after = before + rows.len();
        if after < all.len() {
            body["cursor"] = json!(format!("{CURSOR}{after:x}"));
        }
        Reply::ok(body)
    };
    api.limited(&headers, work).await
}

async fn delete(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let work = |api: &Api| {
        if api.jobs().delete(&id) {
            Reply::new(StatusCode::NO_CONTENT, Value::Null)
        } else {
            no_such_job()
        }
    };
    api.limited(&headers, work).await
}

/// Reads tokio's clock, which a test may pause.
fn now() -> Instant {
    time::Instant::now().into_std()
}

fn before_cursor(cursor: Option<&str>) -> Option<usize> {
    match cursor {
        None => Some(0),
        Some(cursor) => usize::from_str_radix(cursor.strip_prefix(CURSOR)?, 16).ok(),
    }
}

fn no_such_job() -> Reply {
    not_found("There is no such job")
}

fn not_found(message: &str) -> Reply {
    Reply::error(StatusCode::NOT_FOUND, "not.found", message)
}

fn bad_request(message: &str) -> Reply {
    Reply::error(StatusCode::BAD_REQUEST, "bad.request", message)
}

/// A prefix that makes cursors opaque to clients.
const CURSOR: &str = "c-";

/// The most rows on a page of results.
const MOST_RESULTS: usize = 1000;
