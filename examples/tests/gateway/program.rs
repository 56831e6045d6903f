//! Runs the gateway program under test.

use std::{
    env,
    ffi::OsStr,
    fmt, fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::Value;
use tokio::time::sleep;

/// A gateway process that is killed on drop.
pub(crate) struct Program {
    child: Child,
    pub(crate) addr: SocketAddr,
    client: Client,
}

impl Program {
    /// Starts a gateway to `upstream` on a free port.
    pub(crate) fn start(upstream: impl fmt::Display, args: &[&str]) -> Self {
        Self::spawn(command(), &format!("http://{upstream}"), args)
    }

    /// Starts a gateway to a TLS upstream, which trusts the certificates in a file.
    pub(crate) fn trusting(certificates: &Path, upstream: &str) -> Self {
        let mut command = command();
        command.env("SSL_CERT_FILE", certificates);
        Self::spawn(command, upstream, &[])
    }

    /// Starts a gateway whose resolver reads host aliases from a file, a feature of glibc.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    pub(crate) fn with_aliases(file: &Path, upstream: &str, args: &[&str]) -> Self {
        let mut command = command();
        command.env("HOSTALIASES", file);
        Self::spawn(command, upstream, args)
    }

    fn spawn(mut command: Command, upstream: &str, args: &[&str]) -> Self {
        let listen = if args.contains(&"--listen") {
            &[][..]
        } else {
            &["--listen", "127.0.0.1:0"]
        };
        let mut child = command
            .args(listen)
            .args(["--upstream", upstream])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let addr = line
            .trim()
            .strip_prefix("listening on http://")
            .map(str::parse);
        let Some(Ok(addr)) = addr else {
            let _ = child.kill();
            panic!("the gateway printed {line:?}");
        };
        Self {
            child,
            addr,
            client: client(),
        }
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.addr)
    }

    /// Creates a request with `token` as its `Authorization`.
    pub(crate) fn get(&self, token: &str) -> reqwest::RequestBuilder {
        self.client
            .get(self.url("/rows"))
            .header("authorization", token)
    }

    pub(crate) async fn text(&self, target: &str) -> String {
        let response = self.client.get(self.url(target)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    }

    pub(crate) async fn status(&self) -> Value {
        serde_json::from_str(&self.text("/-/status.json").await).unwrap()
    }

    /// Waits until `count` calls are queued.
    pub(crate) async fn until_waiting(&self, count: u64) {
        until(async || self.status().await["waiting"] == count).await;
    }

    pub(crate) fn signal(&self, signal: &str) {
        // `kill` is built into the shell. Some systems have no program of that name.
        let kill = format!("kill {signal} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut ended = None;
        until(async || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        ended.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program with arguments that it must reject.
pub(crate) fn refused<S: AsRef<OsStr>>(args: &[S]) -> Output {
    let mut child = command()
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > LONG {
            let _ = child.kill();
            panic!("the program did not exit");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut stderr = Vec::new();
    let mut pipe = child.stderr.take().unwrap();
    pipe.read_to_end(&mut stderr).unwrap();
    Output {
        status: child.wait().unwrap(),
        stdout: Vec::new(),
        stderr,
    }
}

/// Waits until `is_so` returns true.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(
            start.elapsed() < LONG,
            "the condition did not become true in time"
        );
        sleep(Duration::from_millis(5)).await;
    }
}

/// Creates a client that ignores proxy settings.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn command() -> Command {
    Command::new(path())
}

fn path() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    let path = profile.join("examples").join("gateway");
    assert!(
        fs::exists(&path).unwrap(),
        "{} is not built: {BUILD}",
        path.display()
    );
    assert_is_current(&path);
    path
}

/// Panics if the program is older than its sources.
///
/// Cargo does not build the examples for a single test target, so the test could run an old
/// program.
fn assert_is_current(program: &Path) {
    let modified = |path: &Path| fs::metadata(path).and_then(|it| it.modified());
    let built = modified(program).unwrap();
    let sources = fs::read_to_string(program.with_extension("d")).unwrap();
    let (_, sources) = sources.split_once(": ").unwrap();
    for source in sources.split_whitespace() {
        let is_newer = modified(Path::new(source)).is_ok_and(|modified| modified > built);
        assert!(!is_newer, "{source} is newer than the program: {BUILD}");
    }
}

const BUILD: &str = "cargo build -p breather-examples --example gateway";

/// Ends a test that hangs. It is long enough for a machine that stalls for seconds.
pub(crate) const LONG: Duration = Duration::from_secs(120);
