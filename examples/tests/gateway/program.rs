//! The program under test.

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

/// A gateway that runs until it is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) addr: SocketAddr,
    client: Client,
}

impl Program {
    /// A gateway to `upstream` on a port of its own.
    pub(crate) fn start(upstream: impl fmt::Display, args: &[&str]) -> Self {
        Self::spawn(command(), &format!("http://{upstream}"), args)
    }

    /// A gateway to an upstream with TLS, that trusts the certificates of a file.
    pub(crate) fn trusting(certificates: &Path, upstream: &str) -> Self {
        let mut command = command();
        command.env("SSL_CERT_FILE", certificates);
        Self::spawn(command, upstream, &[])
    }

    /// A gateway whose resolver reads from a file what a host's name stands for. glibc's does.
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
            panic!("it said {line:?}");
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

    /// Sends a request of `token`'s.
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

    /// Waits until so many calls wait.
    pub(crate) async fn until_waiting(&self, count: u64) {
        until(async || self.status().await["waiting"] == count).await;
    }

    pub(crate) fn signal(&self, signal: &str) {
        // A shell has it built in; the program by that name is not everywhere.
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

/// Runs the program with arguments that it is to refuse.
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
            panic!("it does not end");
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

/// Waits until `is_so`.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < LONG, "waited too long");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A client as plain as any.
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

/// A single test does not build the examples, and would be of what the program was before.
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

/// Ends a test that hangs. A machine that stands still for seconds does not reach it.
pub(crate) const LONG: Duration = Duration::from_secs(120);
