//! Counts the cost of a retry layer over the service that it wraps (`cargo bench --bench overhead`).
//!
//! The bench counts two calls of a service that needs no network and is ready immediately. The
//! request and each response have 6 headers, and the request has a body of 256 bytes.
//!
//! - *success*: the first attempt gets status 200. The table shows how much more the call costs
//!   than the bare service.
//! - *one retry*: the first attempt gets status 503, the second 200. The table shows the cost that
//!   the retry adds, less the bare service's own second attempt: (the call with one retry − the
//!   call without) − (two attempts of the bare service − one).
//!
//! The bare service is the floor, and its cost is shown unchanged. Requests are made before the
//! counting starts, including the second one for the floor. They are cloned from a template, so
//! their data is already shared, and another clone allocates no more than its map of headers (and
//! its URL, in reqwest). A layer's clones are counted, and the drops in a service are counted as
//! the service's. A success therefore takes a clone and the drop of the kept request, and the retry
//! takes another clone. Both are also shown separately.
//!
//! Each round is checked, uncounted. It must end with 200, after the right number of attempts.
//!
//! No call waits, because each backoff is drawn from a ceiling of zero. reqwest-retry and
//! tower-resilience-retry sleep even for zero time. They run in a tokio runtime with a paused
//! clock, so the timer is set, dropped and counted, but the thread never parks. All other layers
//! are polled outside of any runtime.
//!
//! A number moves by some 50 instructions when the compiler inlines a clone in one place and not in
//! another. Any change of this file may have that effect.

use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use breather_benches::{Case, Cost, Costs, Round};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tower::BoxError;

mod reqwest_family;
mod tower_family;

fn main() {
    let families = [tower_family::family(), reqwest_family::family()];
    let rows = || families.iter().flat_map(|family| &family.rows);
    let cases = rows().flat_map(|row| [&row.success, &row.one_retry]);
    let Some(costs) = Costs::count(cases) else {
        return;
    };
    let unit = costs.unit();
    println!("{:44} {:^30}  {:^30}", "", "success", "one retry");
    let columns = format!("{unit:>16} {:>13}", "allocations");
    println!("{:44} {columns}  {columns}", "");
    let mut pairs = costs.each().chunks_exact(2);
    for family in &families {
        println!("{}", family.title);
        let mut floor = None;
        for (row, pair) in family.rows.iter().zip(&mut pairs) {
            let (success, one_retry) = (pair[0], pair[1]);
            let (success, added) = match (&row.kind, floor) {
                (Kind::Part, _) => (shown(success), shown(one_retry)),
                (Kind::Whole, None) => {
                    floor = Some((success, one_retry - success));
                    (shown(success), shown(one_retry - success))
                }
                (Kind::Whole, Some((once, again))) => (
                    shown_over(success - once),
                    shown_over(one_retry - success - again),
                ),
            };
            println!("  {:42} {success}  {added}", row.name);
        }
    }
    println!("{NOTES}");
}

/// A floor and the layers that are measured over it.
struct Family {
    title: &'static str,
    /// The floor is the first `Whole` row.
    rows: Vec<Row>,
}

struct Row {
    name: String,
    kind: Kind,
    success: Case,
    one_retry: Case,
}

enum Kind {
    /// A call from start to end.
    Whole,
    /// A part that every whole call needs. Its cost is shown unchanged.
    Part,
}

impl Row {
    /// Creates a row of calls. Each gets a request from `request` and makes it by `call`, and both
    /// use the state that `start` creates once.
    fn of_calls<S: 'static, R: 'static>(
        name: impl Into<String>,
        start: fn() -> S,
        request: fn(&mut S) -> R,
        call: impl AsyncFn(&mut S, R) -> Result<StatusCode, BoxError> + Copy + 'static,
    ) -> Self {
        let name = name.into();
        let case = |column, rejections| {
            Case::started(format!("{name}, {column}"), move || Exchange {
                state: start(),
                request,
                call,
                rejections,
            })
        };
        Self {
            kind: Kind::Whole,
            success: case("success", 0),
            one_retry: case("one retry", 1),
            name,
        }
    }

    /// Creates a row with the clone of a success, including its drop, and the clone of a retry
    /// without the drop.
    fn of_clones<R: 'static>(request: fn() -> R, clone: impl Fn(&R) -> R + Copy + 'static) -> Self {
        Self {
            name: "a clone of the request, by itself".to_owned(),
            kind: Kind::Part,
            success: Case::started("clone and drop", move || Cloning {
                request: request(),
                kept: None,
                run: move |request: &R, _: &mut Option<R>| {
                    black_box(&clone(request));
                },
            }),
            one_retry: Case::started("clone", move || Cloning {
                request: request(),
                kept: None,
                run: move |request: &R, kept: &mut Option<R>| *kept = Some(clone(request)),
            }),
        }
    }
}

/// A call, some attempts of which are throttled.
struct Exchange<S, R, C> {
    state: S,
    request: fn(&mut S) -> R,
    call: C,
    rejections: u32,
}

impl<S, R, C> Round for Exchange<S, R, C>
where
    C: AsyncFn(&mut S, R) -> Result<StatusCode, BoxError>,
{
    type Input = R;
    type Output = Result<StatusCode, BoxError>;

    fn prepare(&mut self) -> R {
        REFUSALS.set(self.rejections);
        ATTEMPTS.set(0);
        black_box((self.request)(&mut self.state))
    }

    fn run(&mut self, request: R) -> Result<StatusCode, BoxError> {
        at_once((self.call)(&mut self.state, request))
    }

    fn check(&mut self, result: Result<StatusCode, BoxError>) {
        assert_eq!(result.expect("the service never fails"), StatusCode::OK);
        assert_eq!(ATTEMPTS.get(), self.rejections + 1, "attempts");
    }
}

struct Cloning<R, C> {
    request: R,
    /// Keeps a value so that its drop is not counted.
    kept: Option<R>,
    run: C,
}

impl<R, C: Fn(&R, &mut Option<R>)> Round for Cloning<R, C> {
    type Input = ();
    type Output = ();

    fn prepare(&mut self) {}

    fn run(&mut self, (): ()) {
        (self.run)(black_box(&self.request), &mut self.kept);
    }

    fn check(&mut self, (): ()) {
        self.kept = None;
    }
}

/// Returns the status of the service's next response.
fn next_status() -> StatusCode {
    ATTEMPTS.set(ATTEMPTS.get() + 1);
    let rejections = REFUSALS.get();
    if rejections == 0 {
        return StatusCode::OK;
    }
    REFUSALS.set(rejections - 1);
    StatusCode::SERVICE_UNAVAILABLE
}

/// Drives `future`, which must not wait.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the call waits"),
    }
}

/// Runs the rest of this process in a tokio runtime whose clock stands still.
fn stop_the_clock() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O can always be built");
    let runtime: &'static _ = Box::leak(Box::new(runtime));
    std::mem::forget(runtime.enter());
}

fn shown(cost: Cost) -> String {
    let allocations = cost
        .allocations()
        .map_or_else(|| "-".to_owned(), |count| count.to_string());
    format!("{:>16} {allocations:>13}", cost.work())
}

fn shown_over(cost: Cost) -> String {
    let allocations = cost
        .allocations()
        .map_or_else(|| "-".to_owned(), |count| format!("{count:+}"));
    format!("{:>+16} {allocations:>13}", cost.work())
}

/// Returns headers as a client sets them. Some are constants, and others are owned by the request
/// and shared by its clones.
fn request_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let owned = |value| HeaderValue::from_str(value).expect("the value is plain text");
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::AUTHORIZATION, owned("Bearer 7c1f0a6e5b7d4c39"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(BODY_LENGTH));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::USER_AGENT, HeaderValue::from_static("bench/1.0"));
    headers.insert(
        "x-request-id",
        owned("0b9c2f54-5d4f-4a53-8d37-1b1d4bd9f2a1"),
    );
    headers
}

fn response_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "application/json");
    set(header::CONTENT_LENGTH, "2");
    set(header::DATE, "Fri, 15 Jan 2027 08:00:00 GMT");
    set(header::SERVER, "nginx");
    set(header::VARY, "accept-encoding");
    set(header::ETAG, "\"0b9c2f54\"");
    headers
}

thread_local! {
    /// The number of further attempts that get status 503.
    static REFUSALS: Cell<u32> = const { Cell::new(0) };
    static ATTEMPTS: Cell<u32> = const { Cell::new(0) };
}

const URL: &str = "http://api.example.com/v1/items/7";
const BODY_LENGTH: usize = 256;
const RETRIES: u32 = 3;

const NOTES: &str = "
success:    the call is answered at once; over the bare service
one retry:  what a call takes more if its first attempt is answered with status 503,
            over what the bare service takes more for a second attempt

A bare service is shown as it is, and so is a clone: under success with its drop, under
one retry without, since the service drops what it is given. No request is made within
what is counted, no call waits, and no thread parks.";
