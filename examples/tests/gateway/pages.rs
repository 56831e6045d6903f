//! Tests for the status and metrics pages.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use reqwest::StatusCode;

use crate::{
    program::{Program, client},
    upstream::{RESET_S, Upstream, last, ok, rejection},
};

#[tokio::test]
async fn status_shows_scopes_without_secrets() {
    let upstream = Upstream::start(|request| async move {
        if request.headers()["authorization"] == "Bearer secret-throttled" {
            return rejection(RESET_S);
        }
        last(RESET_S)
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    client()
        .get(gateway.url("/rows?q=secret-query"))
        .header("authorization", "Bearer secret-spent")
        .send()
        .await
        .unwrap();
    let spent = tokio::spawn(gateway.get("Bearer secret-spent").send());
    let throttled = tokio::spawn(gateway.get("Bearer secret-throttled").send());
    gateway.until_waiting(2).await;

    let status = gateway.status().await;
    assert_eq!(status["upstream"], format!("http://{upstream}"));
    assert_eq!(
        (&status["waiting"], &status["draining"]),
        (&2.into(), &false.into())
    );
    assert_eq!(status["total"]["sends"], 2);
    assert_eq!(status["total"]["rejections"], 1);
    let scopes = status["scopes"].as_array().unwrap();
    assert_eq!(scopes.len(), 2, "{status}");
    let of = |calls: u64| scopes.iter().find(|scope| scope["calls"] == calls).unwrap();
    let scope = of(1);
    assert_eq!(
        (&scope["waiting"], &scope["in_flight"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        (&scope["limit"], &scope["remaining"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        (&scope["sends"], &scope["rejections"]),
        (&1.into(), &0.into())
    );
    assert!((100_000..=281_000).contains(&scope["reset_ms"].as_u64().unwrap()));
    assert!((100_000..=281_000).contains(&scope["hold"]["for_ms"].as_u64().unwrap()));
    assert_eq!(scope["hold"]["why"], "quota spent");
    let scope = of(0);
    assert_eq!(
        (&scope["sends"], &scope["rejections"]),
        (&1.into(), &1.into())
    );
    assert_eq!(scope["hold"]["why"], "throttled");
    for column in ["sends", "rejections", "failures"] {
        assert_eq!(status["series"][column].as_array().unwrap().len(), 180);
    }
    let sum = |column: &str| {
        let column = status["series"][column].as_array().unwrap();
        column
            .iter()
            .map(|count| count.as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(
        (sum("sends"), sum("rejections"), sum("failures")),
        (2, 1, 0)
    );

    let metrics = gateway.text("/-/metrics").await;
    let page = gateway.text("/-/status").await;
    for text in [&status.to_string(), &metrics, &page] {
        assert!(!text.contains("secret"), "{text}");
    }
    spent.abort();
    throttled.abort();
}

#[tokio::test]
async fn status_is_json_if_client_accepts_json() {
    let upstream = Upstream::start(|_| async { last(RESET_S) }).await;
    let gateway = Program::start(&upstream, &[]);
    let url = gateway.url("/-/status");
    let page = client().get(&url).send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let page = page.text().await.unwrap();
    // The page loads nothing from elsewhere. Its only URL is an XML namespace.
    assert_eq!(page.matches("://").count(), 1, "{page}");
    assert!(page.contains("http://www.w3.org/2000/svg"));
    let json = client()
        .get(&url)
        .header("accept", "application/json")
        .send()
        .await
        .unwrap();
    assert_eq!(json.headers()["content-type"], "application/json");
    let post = client().post(&url).send().await.unwrap();
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(post.headers()["allow"], "GET, HEAD");
    assert!(upstream.seen().is_empty());
    // Other paths with this prefix go to the upstream.
    client()
        .get(gateway.url("/-/statusx"))
        .send()
        .await
        .unwrap();
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn metrics_are_in_prometheus_format() {
    let is_first = Arc::new(AtomicBool::new(true));
    let upstream = Upstream::start(move |_| {
        let is_first = is_first.swap(false, Ordering::Relaxed);
        async move { if is_first { rejection(1) } else { ok() } }
    });
    let upstream = upstream.await;
    let gateway = Program::start(&upstream, &[]);
    gateway.get("one").send().await.unwrap();
    let metrics = gateway.text("/-/metrics").await;
    let mut samples = Vec::new();
    for line in metrics.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            assert!(
                comment.starts_with("TYPE ") || comment.starts_with("HELP "),
                "{line}"
            );
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        let name = series.split('{').next().unwrap();
        let plain = |char: char| char.is_ascii_lowercase() || char == '_';
        assert!(name.chars().all(plain), "{line}");
        let labels = &series[name.len()..];
        assert!(
            labels.is_empty() || labels.starts_with('{') && labels.ends_with("\"}"),
            "{line}"
        );
        samples.push((series.to_owned(), value));
    }
    let value = |series: &str| {
        let found = samples.iter().find(|(name, _)| name == series);
        found
            .unwrap_or_else(|| panic!("{series} is not in {metrics}"))
            .1
    };
    let attempts = |outcome| {
        value(&format!(
            r#"breather_attempts{{breather_outcome="{outcome}"}}"#
        ))
    };
    assert_eq!((attempts("success"), attempts("throttled")), (1.0, 1.0));
    assert_eq!(
        value(r#"breather_calls{breather_end_reason="success"}"#),
        1.0
    );
    assert_eq!(value("breather_attempts_in_flight"), 0.0);
    assert_eq!(
        value(r#"breather_wait_duration_count{breather_wait_reason="hint"}"#),
        1.0
    );
}
