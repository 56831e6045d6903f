//! The limiters of real proxies, as Debian ships them. `.ci/deep limiters` installs them and runs this.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use axum::Router;
use axum::routing::get;
use breather::ReportSlot;
use breather_reqwest::RetryMiddleware;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::task::JoinSet;

/// A proxy that runs until this is dropped.
struct Proxy {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl Proxy {
    /// Starts `program` with the configuration that `config` returns for a folder and a port.
    fn start(
        program: &str,
        args: impl FnOnce(&str) -> Vec<String>,
        config: impl FnOnce(&str, u16) -> String,
    ) -> Self {
        let port = free_port();
        let name = format!("breather-{program}-{}-{port}", process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.to_str().unwrap();
        fs::write(folder.join("config"), config(path, port)).unwrap();
        let mut command = Command::new(program);
        command.args(args(path)).stdin(Stdio::null());
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let url = format!("http://127.0.0.1:{port}");
        let proxy = Self { child, folder, url };
        proxy.listens(port);
        proxy
    }

    fn listens(&self, port: u16) {
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("nothing listens at {}", self.url);
    }

    fn nginx(zone: &str, limit: &str, upstream: &str) -> Self {
        let args = |folder: &str| {
            let config = format!("{folder}/config");
            let log = format!("{folder}/error.log");
            ["-p", folder, "-e", &log, "-c", &config]
                .map(str::to_owned)
                .to_vec()
        };
        Self::start("nginx", args, |folder, port| {
            format!(
                "daemon off; master_process off; pid {folder}/pid;
                events {{ worker_connections 4096; }}
                http {{
                    access_log off;
                    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
                    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
                    scgi_temp_path {folder}/scgi;
                    {zone}
                    server {{
                        listen 127.0.0.1:{port};
                        location / {{ {limit} proxy_pass {upstream}; }}
                    }}
                }}"
            )
        })
    }

    fn haproxy(rules: &str, upstream: &str) -> Self {
        let upstream = upstream.trim_start_matches("http://");
        let args = |folder: &str| ["-f".to_owned(), format!("{folder}/config")].to_vec();
        Self::start("haproxy", args, |_, port| {
            format!(
                "global\n  maxconn 4096\n\
                defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
                frontend web\n  bind 127.0.0.1:{port}\n{rules}\n  default_backend api\n\
                backend api\n  server one {upstream}\n"
            )
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Serves answers that take `service` each, and returns the URL.
async fn upstream(service: Duration) -> String {
    let answer = get(move || async move {
        tokio::time::sleep(service).await;
        "done"
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/", answer);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// Makes `calls` calls at once with the defaults. All succeed. Returns the time and the sends per call.
async fn load(proxy: &Proxy, calls: u32) -> (Duration, f64) {
    let client: ClientWithMiddleware = ClientBuilder::new(reqwest::Client::new())
        .with(RetryMiddleware::default())
        .build();
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..calls {
        let slot = ReportSlot::new();
        let request = client.get(&proxy.url).with_extension(slot.clone());
        tasks.spawn(async move {
            let response = request.send().await.unwrap();
            let report = slot.report().unwrap();
            assert!(response.status().is_success(), "{report}");
            report.attempts()
        });
    }
    let sends: u32 = tasks.join_all().await.into_iter().sum();
    (start.elapsed(), f64::from(sends) / f64::from(calls))
}

/// Prints the time over the best one, and the sends per call.
fn printed(name: &str, (time, sends): (Duration, f64), best: Duration) -> (f64, f64) {
    let time = time.div_duration_f64(best);
    println!("{name}: {time:.3} of the best time, {sends:.3} sends per call");
    (time, sends)
}

/// Asserts that nginx's limits cost little.
fn assert_reached(name: &str, reached: (Duration, f64), best: Duration, most: f64) {
    let (time, sends) = printed(name, reached, best);
    assert!(time <= 1.15 && sends <= most, "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, which `.ci/deep limiters` installs"]
async fn nginx_rate_limit() {
    let zone = "limit_req_zone $binary_remote_addr zone=one:1m rate=10r/s;";
    let upstream = upstream(Duration::from_millis(20)).await;
    // The calls, those of them that need not wait for 100 ms each, and the most sends per call.
    for (limit, calls, at_once, most) in [
        ("limit_req zone=one;", 300, 1, 1.3),
        ("limit_req zone=one burst=20;", 300, 1, 1.3),
        ("limit_req zone=one burst=20 nodelay;", 300, 21, 1.35),
    ] {
        let proxy = Proxy::nginx(zone, limit, &upstream);
        let reached = load(&proxy, calls).await;
        let best = Duration::from_millis(100) * (calls - at_once);
        assert_reached(limit, reached, best, most);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, which `.ci/deep limiters` installs"]
async fn nginx_connection_limit() {
    let zone = "limit_conn_zone $binary_remote_addr zone=one:1m;";
    let upstream = upstream(Duration::from_millis(200)).await;
    let proxy = Proxy::nginx(zone, "limit_conn one 8;", &upstream);
    let reached = load(&proxy, 400).await;
    let best = Duration::from_millis(200) * 400 / 8;
    assert_reached("nginx, limit_conn 8", reached, best, 1.3);
}

/// Rejected requests count, and the answers say nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs haproxy, which `.ci/deep limiters` installs"]
async fn haproxy_rate_table() {
    let rules = "  stick-table type ip size 1k expire 60s store http_req_rate(10s)\n  \
                 http-request track-sc0 src\n  \
                 http-request deny deny_status 429 if { sc_http_req_rate(0) gt 50 }";
    let upstream = upstream(Duration::from_millis(20)).await;
    let proxy = Proxy::haproxy(rules, &upstream);
    let reached = load(&proxy, 200).await;
    // 50 go at once. Those of a period leave the table one by one in the next.
    let (time, sends) = printed("haproxy, 50 in 10 s", reached, Duration::from_secs(40));
    assert!(time <= 1.5 && sends <= 1.6);
}
