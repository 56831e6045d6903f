//! Tests the endpoints of the analytics API, such as queries and jobs, and its faults.
//!
//! Most tests run in tokio's paused time, without a socket.

use std::{num::NonZeroU32, time::Duration};

use breather_examples::analytics::{Faults, InProcess, Options, Server};
use reqwest::{Client, StatusCode};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn each_page_of_a_query_is_a_call() {
    let api = InProcess::new(&options().with_conversations(250));
    let ids: Vec<_> = api.conversations()[50..200]
        .iter()
        .map(|row| row.conversation_id.clone())
        .chain(["none".to_owned()])
        .collect();
    let mut rows = Vec::new();
    let mut errors = Vec::new();
    for number in 1..=2 {
        let (status, page) = answer(query(
            &api,
            &json!({
                "conversationIds": ids,
                "paging": { "pageSize": 100, "pageNumber": number },
            }),
        ))
        .await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(page["totalHits"], 151);
        rows.extend(page["conversations"].as_array().unwrap().clone());
        errors.extend(page["errors"].as_array().unwrap().clone());
    }
    assert_eq!(json!(rows), json!(api.conversations()[50..200]));
    assert_eq!(
        errors,
        [json!({ "conversationId": "none", "code": "not.found", "status": 404 })]
    );
    assert_eq!(api.stats().sends, 2);

    let (_, all) = answer(query(
        &api,
        &json!({ "paging": { "pageSize": 100, "pageNumber": 3 } }),
    ))
    .await;
    assert_eq!(all["conversations"], json!(api.conversations()[200..250]));
    assert_eq!(all["totalHits"], 250);
}

#[tokio::test(start_paused = true)]
async fn invalid_query_is_rejected() {
    let most = NonZeroU32::new(3).unwrap();
    let api = InProcess::new(&options().with_most_per_query(most));
    for body in [
        json!([]),
        json!({ "conversationIds": ["1", "2", "3", "4"] }),
        json!({ "paging": { "pageSize": 0, "pageNumber": 1 } }),
        json!({ "paging": { "pageSize": 101, "pageNumber": 1 } }),
        json!({ "paging": { "pageSize": 1, "pageNumber": 0 } }),
    ] {
        let (status, error) = answer(query(&api, &body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(error["code"], "bad.request");
    }
}

#[tokio::test(start_paused = true)]
async fn summary_returns_row_of_conversation() {
    let api = InProcess::new(&options());
    let row = &api.conversations()[7];
    let url = format!(
        "{}?conversationId={}",
        InProcess::url(),
        row.conversation_id
    );
    let (_, summary) = answer(client(&api).get(url)).await;
    assert_eq!(summary, json!({ "conversations": [row] }));
    let url = format!("{}?conversationId=none", InProcess::url());
    assert_eq!(answer(client(&api).get(url)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn tokens_have_own_quotas_within_organisation() {
    let [quota, org_quota] = [2, 3].map(|quota| NonZeroU32::new(quota).unwrap());
    let api = InProcess::new(&options().with_quota(quota).with_org_quota(org_quota));
    let mut answers = Vec::new();
    for token in ["a", "a", "a", "b", "b"] {
        let request = client(&api).get(InProcess::url()).bearer_auth(token);
        let response = request.send().await.unwrap();
        let header = |name| {
            let value: &str = response.headers()[name].to_str().unwrap();
            value.parse::<u32>().unwrap()
        };
        answers.push((
            response.status().as_u16(),
            header("x-rate-limit-limit"),
            header("inin-ratelimit-count"),
        ));
    }
    assert_eq!(
        answers,
        [
            (200, 2, 1),
            (200, 2, 2),
            (429, 2, 2),
            (200, 3, 3),
            (429, 3, 3)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn job_is_submitted_polled_read_and_deleted() {
    let api = InProcess::new(
        &options()
            .with_conversations(250)
            .with_job_time(Duration::from_millis(200)),
    );
    let jobs = format!("{}/jobs", InProcess::details_url());
    let (_, available) = answer(client(&api).get(format!("{jobs}/availability"))).await;
    assert!(available["dataAvailabilityDate"].is_string());

    let (status, submitted) = answer(client(&api).post(&jobs)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let job = format!("{jobs}/{}", submitted["jobId"].as_str().unwrap());
    let (status, _) = answer(client(&api).get(format!("{job}/results"))).await;
    assert_eq!(status, StatusCode::CONFLICT);

    let start = Instant::now();
    let mut states = Vec::new();
    loop {
        let response = client(&api).get(&job).send().await.unwrap();
        let says_when = response.headers().contains_key("retry-after");
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        let state = body["state"].as_str().unwrap().to_owned();
        assert_eq!(says_when, state != "FULFILLED", "{state}");
        states.push(state);
        states.dedup();
        if !says_when {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(states, ["QUEUED", "PENDING", "FULFILLED"]);

    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let url = format!("{job}/results?pageSize=100{cursor}");
        let (_, page) = answer(client(&api).get(url)).await;
        rows.extend(page["conversations"].as_array().unwrap().clone());
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(rows), json!(api.conversations()));
    for cursor in ["", "c-", "64", "c-xyz"] {
        let url = format!("{job}/results?cursor={cursor}");
        let (status, _) = answer(client(&api).get(url)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{cursor}");
    }

    let delete = client(&api).delete(&job).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::NO_CONTENT);
    for url in [job.clone(), format!("{job}/results")] {
        assert_eq!(answer(client(&api).get(url)).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(start_paused = true)]
async fn failing_job_reports_failed() {
    let api = InProcess::new(
        &options()
            .with_failing_jobs(true)
            .with_job_time(Duration::ZERO),
    );
    let jobs = format!("{}/jobs", InProcess::details_url());
    let (_, submitted) = answer(client(&api).post(&jobs)).await;
    let job = format!("{jobs}/{}", submitted["jobId"].as_str().unwrap());
    assert_eq!(answer(client(&api).get(job)).await.1["state"], "FAILED");
}

#[tokio::test(start_paused = true)]
async fn excess_job_is_throttled_with_quota_left() {
    let api = InProcess::new(&options().with_jobs(NonZeroU32::MIN));
    let jobs = format!("{}/jobs", InProcess::details_url());
    assert_eq!(
        answer(client(&api).post(&jobs)).await.0,
        StatusCode::ACCEPTED
    );
    let throttled = client(&api).post(&jobs).send().await.unwrap();
    assert_eq!(throttled.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(throttled.headers()["x-rate-limit-remaining"], "298");
    assert_eq!(throttled.headers()["retry-after"], "2");
    let stats = api.stats();
    assert_eq!(
        (stats.jobs, stats.throttled_by_jobs, stats.throttled()),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn faults_hit_every_nth_request() {
    let every = |count| NonZeroU32::new(count).unwrap();
    let faults = Faults::none()
        .with_errors_every(every(2))
        .with_drops_every(every(3))
        .with_cuts_every(every(5));
    // No job ends before the test.
    let options = options().with_faults(faults).with_job_time(HOUR);
    let server = Server::start(options).unwrap();
    let mut ends = Vec::new();
    for _ in 0..5 {
        let url = format!("{}/jobs", server.details_url());
        let client = Client::builder().no_proxy().build().unwrap();
        ends.push(match client.post(url).send().await {
            Err(error) => {
                assert!(error.is_request(), "{error:?}");
                "no answer"
            }
            Ok(response) if response.status() == StatusCode::INTERNAL_SERVER_ERROR => "error",
            Ok(response) => match response.bytes().await {
                Ok(_) => "whole",
                Err(_) => "in part",
            },
        });
    }
    assert_eq!(ends, ["whole", "error", "no answer", "error", "in part"]);
    // The server executed the request without a response, but not the requests that got an error.
    let stats = server.stats();
    assert_eq!((stats.jobs, stats.throttled_by_jobs), (2, 1));
}

fn options() -> Options {
    Options::default().with_service_time(Duration::from_millis(2))
}

fn client(api: &InProcess) -> ClientWithMiddleware {
    let client = ClientBuilder::new(Client::new());
    client.with(api.clone()).build()
}

fn query(api: &InProcess, body: &Value) -> RequestBuilder {
    let url = format!("{}/query", InProcess::details_url());
    client(api).post(url).body(body.to_string())
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

const HOUR: Duration = Duration::from_secs(3_600);
