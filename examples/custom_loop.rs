//! Uses the core crate alone in a client of your own.
//!
//! Run it with `cargo run --example custom_loop`.
//!
//! The client uses blocking sockets, without an async runtime and without an HTTP library. It tells
//! the core the time and the header lines, and the core says when to send.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    num::NonZeroU32,
    thread::sleep,
    time::{Duration, SystemTime},
};

use anyhow::{bail, ensure};
use breather::{
    Executed, Hint, Outcome, Pacing, Policy,
    driver::{Admission, Call, CallSpec, Decision, Instant, Moment, Pacer, UnixTime},
};
use breather_examples::analytics::{Options, PATH, Server};

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let _context = runtime.enter();
    // The server accepts 5 calls in a second.
    let options = Options::default()
        .with_quota(NonZeroU32::new(5).expect("5 is not zero"))
        .with_window(Duration::from_secs(1))
        .with_service_time(Duration::from_millis(10));
    let server = Server::start(options)?;

    let mut client = Client::new(server.addr());
    for number in 1..=12 {
        let status = client.call(number)?;
        ensure!(status == 200, "call {number} ended with {status}");
    }
    let stats = server.stats();
    println!(
        "12 calls, {} sends, {} throttled",
        stats.sends,
        stats.throttled()
    );
    ensure!(stats.throttled() <= 2, "the pacer should know the quota");
    Ok(())
}

/// A client of one server, with one pacer.
struct Client {
    addr: SocketAddr,
    origin: std::time::Instant,
    pacer: Pacer,
}

impl Client {
    fn new(addr: SocketAddr) -> Self {
        let origin = std::time::Instant::now();
        Self {
            addr,
            origin,
            pacer: Pacer::new(Pacing::default()),
        }
    }

    fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    /// Makes a call with as many attempts as the policy permits. Returns the last status.
    fn call(&mut self, seed: u64) -> anyhow::Result<u16> {
        let spec = CallSpec::new().with_paced(true);
        let mut call = Call::new(Policy::default(), spec, seed, self.now());
        let ticket = self.pacer.arrive();
        loop {
            // Waits until the call may retry, and then for its turn in the queue.
            if let Some(until) = call.not_before() {
                sleep(until.duration_since(self.now()));
            }
            let permit = loop {
                let now = self.now();
                match self.pacer.request(now, ticket, call.wait_limits()) {
                    Admission::Send(permit) => break permit,
                    Admission::QueueFull => bail!("{}", call.on_queue_full(now)),
                    Admission::Rejected { opens } => {
                        let end = call.on_rejected(now, opens, self.pacer.evidence());
                        bail!("{end}");
                    }
                    Admission::Wait { opens } => {
                        call.on_limited(self.pacer.stated_limit());
                        if let Some(end) = call.on_waiting(now, opens, self.pacer.evidence()) {
                            // Otherwise the ticket would keep its place in the queue.
                            self.pacer.leave(ticket);
                            bail!("{end}");
                        }
                        let wake = self.pacer.next_wake().unwrap_or(now);
                        sleep(wake.duration_since(now).max(Duration::from_millis(1)));
                    }
                }
            };
            call.on_sent(self.now());

            let answer = send(self.addr);
            let wall_clock = UnixTime::from(SystemTime::now());
            let received = Moment::new(self.now()).with_wall_clock(&wall_clock);
            let hint = match &answer {
                Ok((_, headers)) => {
                    Hint::read(headers.iter().map(|(n, v)| (&**n, v.as_bytes())), received)
                }
                Err(_) => Hint::new(received.instant()),
            };
            let outcome = match &answer {
                Ok((200, _)) => Outcome::success(),
                Ok((429, _)) => Outcome::throttled("status 429"),
                Ok((500.., _)) => Outcome::transient(Executed::Unknown, "status 5xx"),
                Ok(_) => Outcome::permanent("another status"),
                Err(_) => Outcome::transient(Executed::Unknown, "an I/O error"),
            };
            let outcome = self
                .pacer
                .on_outcome(received.instant(), permit, outcome, &hint);
            let opens = self.pacer.opens_at();
            match call.on_outcome(received.instant(), outcome, &hint, opens) {
                Decision::Retry(wait) => println!("call {seed}: {wait}"),
                Decision::End(_) => {
                    println!("call {seed}: {}", call.report());
                    return Ok(answer?.0);
                }
            }
        }
    }
}

/// Sends a request. Returns the status and the header lines of the response.
fn send(addr: SocketAddr) -> io::Result<(u16, Vec<(String, String)>)> {
    let mut stream = TcpStream::connect(addr)?;
    write!(
        stream,
        "GET {PATH} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n"
    )?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next().transpose()?.unwrap_or_default();
    let status = status
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    let mut headers = Vec::new();
    for line in lines {
        match line?.split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    Ok((status, headers))
}
