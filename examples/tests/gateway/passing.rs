//! Tests for the headers, bodies and targets that the gateway forwards.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt, Channel};
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::{
    program::{Program, client, until},
    upstream::{Upstream, full, ok},
    wire::{exchange, read_until},
};

#[tokio::test]
async fn hop_by_hop_headers_are_removed() {
    let upstream = Upstream::start(|_| async {
        let mut response = ok();
        let headers = response.headers_mut();
        for (name, value) in [
            ("connection", "x-private"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("upgrade", "h2c"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("via", "1.1 other"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        response
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let request = "PURGE /a%20b/?q=1&q=%2F&q HTTP/1.1\r\nHost: gateway.example:8090\r\n\
                   Connection: X-Mine, close\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\n\
                   Upgrade: websocket\r\nProxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\n\
                   X-Many: one\r\nX-Many: two\r\nx-Case: kept\r\nX-Forwarded-For: 10.1.2.3\r\n\
                   Authorization: Bearer token\r\nVia: 1.0 first\r\n\r\n";
    let answer = exchange(gateway.addr, request).await;

    let seen = upstream.seen().remove(0);
    assert_eq!(seen.method.as_str(), "PURGE");
    assert_eq!(seen.target, "/a%20b/?q=1&q=%2F&q");
    for name in [
        "connection",
        "x-mine",
        "keep-alive",
        "te",
        "upgrade",
        "proxy-authorization",
        "proxy-connection",
        "transfer-encoding",
        "content-length",
    ] {
        assert_eq!(seen.header(name), [""; 0], "{name}");
    }
    assert_eq!(seen.header("host"), [upstream.addr.to_string()]);
    assert_eq!(seen.header("x-many"), ["one", "two"]);
    assert_eq!(seen.header("authorization"), ["Bearer token"]);
    assert_eq!(seen.header("x-forwarded-for"), ["10.1.2.3, 127.0.0.1"]);
    assert_eq!(seen.header("x-forwarded-host"), ["gateway.example:8090"]);
    assert_eq!(seen.header("x-forwarded-proto"), ["http"]);
    let via = seen.header("via");
    assert!(
        via[0] == "1.0 first" && via[1].starts_with("1.1 breather-"),
        "{via:?}"
    );

    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    assert_eq!(lines[0], "http/1.1 200 ok");
    for name in ["x-private", "keep-alive", "proxy-authenticate", "upgrade"] {
        assert!(!lines.iter().any(|line| line.starts_with(name)), "{head}");
    }
    // The gateway adds this header because the caller asked for it.
    assert!(lines.contains(&"connection: close".to_owned()), "{head}");
    for line in [
        "set-cookie: a=1",
        "set-cookie: b=2",
        "content-length: 4",
        "via: 1.1 other",
        "x-breather-attempts: 1",
    ] {
        assert_eq!(
            lines.iter().filter(|&found| found == line).count(),
            1,
            "{line}: {head}"
        );
    }
    assert_eq!(body, "rows");
}

#[tokio::test]
async fn bodyless_responses_stay_bodyless() {
    let upstream = Upstream::start(|request| async move {
        let mut response = Response::new(full(""));
        let headers = response.headers_mut();
        headers.insert("etag", HeaderValue::from_static("\"1\""));
        match request.uri().path() {
            "/head" => drop(headers.insert("content-length", 1_234.into())),
            "/204" => *response.status_mut() = StatusCode::NO_CONTENT,
            _ => *response.status_mut() = StatusCode::NOT_MODIFIED,
        }
        response
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    for (request, status) in [
        ("HEAD /head", "200 OK"),
        ("GET /204", "204 No Content"),
        ("GET /304", "304 Not Modified"),
    ] {
        let request = format!("{request} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = exchange(gateway.addr, &request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(head.contains("etag: \"1\""), "{answer}");
        assert_eq!(
            head.contains("content-length: 1234"),
            status == "200 OK",
            "{answer}"
        );
        assert!(!head.contains("chunked"), "{answer}");
        assert_eq!(body, "", "{answer}");
    }
}

#[tokio::test]
async fn compressed_body_is_unchanged() {
    let upstream = Upstream::start(|request| async move {
        assert_eq!(request.headers()["accept-encoding"], "gzip, br");
        let mut response = Response::new(full(&b"\x1f\x8b\x00\xff"[..]));
        let headers = response.headers_mut();
        headers.insert("content-encoding", HeaderValue::from_static("gzip"));
        response
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let request = client()
        .get(gateway.url("/"))
        .header("accept-encoding", "gzip, br");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.headers()["content-length"], "4");
    assert_eq!(response.bytes().await.unwrap(), &b"\x1f\x8b\x00\xff"[..]);
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let received = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&received);
    let upstream = Upstream::start(move |mut request| {
        let count = Arc::clone(&count);
        async move {
            while let Some(frame) = request.body_mut().frame().await {
                count.fetch_add(frame.unwrap().into_data().unwrap().len(), Ordering::Relaxed);
            }
            let (mut sender, body) = Channel::new(1);
            tokio::spawn(async move {
                for _ in 0..CHUNKS {
                    let _ = sender.send_data(Bytes::from(vec![9; CHUNK])).await;
                }
            });
            Response::new(body.boxed())
        }
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let (mut upload, body) = Channel::<Bytes>::new(1);
    let call = client()
        .post(gateway.url("/"))
        .body(reqwest::Body::wrap(body))
        .send();
    let call = tokio::spawn(call);
    upload.send_data(Bytes::from(vec![7; CHUNK])).await.unwrap();
    // The upstream gets the first chunk before the last is sent.
    until(async || received.load(Ordering::Relaxed) == CHUNK).await;
    for _ in 1..CHUNKS {
        upload.send_data(Bytes::from(vec![7; CHUNK])).await.unwrap();
    }
    drop(upload);
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.bytes().await.unwrap().len(), CHUNKS * CHUNK);
    assert_eq!(received.load(Ordering::Relaxed), CHUNKS * CHUNK);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn any_method_may_have_a_body() {
    let upstream = Upstream::start(|request| async move {
        let has_length = request.headers().contains_key("content-length");
        let framing = if has_length { "length" } else { "chunks" };
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mut response = ok();
        let got = [framing.as_bytes(), b": ", &body].concat();
        let got = HeaderValue::from_bytes(&got).unwrap();
        response.headers_mut().insert("x-got", got);
        response
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let chunks = "Transfer-Encoding: chunked\r\n\r\n4\r\nrows\r\n0\r\n\r\n";
    for (method, body, got) in [
        ("GET", chunks, "chunks: rows"),
        ("HEAD", chunks, "chunks: rows"),
        ("POST", chunks, "chunks: rows"),
        ("GET", "Content-Length: 4\r\n\r\nrows", "length: rows"),
    ] {
        let request = format!("{method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{body}");
        let answer = exchange(gateway.addr, &request).await;
        assert!(
            answer.contains(&format!("x-got: {got}\r\n")),
            "{method} {got}: {answer}"
        );
    }
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let upstream = Upstream::start(|request| async move {
        assert_eq!(request.headers()["te"], "trailers");
        assert_eq!(request.headers()["trailer"], "x-sum");
        let body = request.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["x-sum"], "11");
        let (mut sender, body) = Channel::new(1);
        tokio::spawn(async move {
            sender.send_data(Bytes::from("rows")).await.unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("x-rows", 4.into());
            sender.send_trailers(trailers).await.unwrap();
        });
        let mut response = Response::new(body.boxed());
        response
            .headers_mut()
            .insert("trailer", HeaderValue::from_static("x-rows"));
        response
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let request = "POST / HTTP/1.1\r\nHost: h\r\nConnection: close, TE\r\nTE: trailers\r\nTrailer: x-sum\r\n\
                   Transfer-Encoding: chunked\r\n\r\n4\r\nrows\r\n0\r\nx-sum: 11\r\n\r\n";
    let answer = exchange(gateway.addr, request).await;
    assert!(
        answer.ends_with("4\r\nrows\r\n0\r\nx-rows: 4\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn expect_100_continue_gets_100() {
    let upstream = Upstream::start(|request| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(full(body))
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let mut socket = TcpStream::connect(gateway.addr).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(
        read_until(&mut socket, "\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    socket.write_all(b"rows").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nrows"),
        "{answer}"
    );
}

#[tokio::test]
async fn http_1_0_client_gets_unchunked_response() {
    let upstream = Upstream::start(|_| async {
        let (mut sender, body) = Channel::new(1);
        tokio::spawn(async move { sender.send_data(Bytes::from("rows")).await });
        Response::new(body.boxed())
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let answer = exchange(gateway.addr, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
    assert!(
        !answer.contains("chunked") && answer.ends_with("\r\n\r\nrows"),
        "{answer}"
    );
}

#[tokio::test]
async fn other_target_forms_go_to_upstream_and_connect_gets_501() {
    let upstream = Upstream::start(|_| async { ok() }).await;
    let gateway = Program::start(&upstream, &[]);
    for (target, status) in [
        ("GET http://elsewhere.example/rows", "200"),
        ("OPTIONS *", "200"),
        // Dots are allowed because `--upstream` has no path here.
        ("GET /a/../%2e%2e/b", "200"),
        ("CONNECT elsewhere.example:443", "501"),
    ] {
        let request = format!("{target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = exchange(gateway.addr, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{target}: {answer}"
        );
    }
    let targets: Vec<_> = upstream
        .seen()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert_eq!(targets, ["/rows", "*", "/a/../%2e%2e/b"]);
}

#[tokio::test]
async fn path_cannot_escape_upstream_base() {
    let upstream = Upstream::start(|_| async { ok() }).await;
    let gateway = Program::start(format!("{upstream}/api/v2/"), &[]);
    for (request, status) in [
        ("GET /", "200"),
        ("GET /rows..?up=/../", "200"),
        ("OPTIONS *", "200"),
        ("GET /../admin", "400"),
        ("GET /rows/..", "400"),
        ("GET /./rows", "400"),
        ("GET /%2e%2E/admin", "400"),
        ("GET /.%2e%2fadmin", "400"),
        ("GET /..%5Cadmin", "400"),
        ("GET /..;a=b/admin", "400"),
        ("GET http://elsewhere.example/../admin", "400"),
    ] {
        let request = format!("{request} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = exchange(gateway.addr, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
    }
    let targets: Vec<_> = upstream
        .seen()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert_eq!(targets, ["/api/v2/", "/api/v2/rows..?up=/../", "*"]);
}

#[tokio::test]
async fn loop_returns_508() {
    // This listener forwards the gateway's requests back to the gateway.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Program::start(listener.local_addr().unwrap(), &[]);
    let addr = gateway.addr;
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(addr).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let response = client().get(gateway.url("/")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::LOOP_DETECTED);
}

const CHUNK: usize = 100_000;

/// Far more than the gateway keeps for a retry.
const CHUNKS: usize = 50;
