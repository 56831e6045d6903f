//! Counts the cost of one decision (`cargo bench --bench decide`).

use std::hint::black_box;
use std::time::Duration;

use breather::{
    Breather, Executed, Hint, Outcome, Pacing, Policy,
    driver::{
        Admission, Call, CallSpec, Decision, Instant, Moment, NewCall, Pacer, UnixTime, WaitLimits,
    },
    hint::{Unit, Window},
};
use breather_benches::{Case, Round};
use breather_tokio::TokioTimer;

fn main() {
    breather_benches::main(&[
        Case::new("a call that succeeds (start, sent, outcome)", || {
            let mut call = call();
            let _ = black_box(call.on_outcome(NOW, Outcome::success(), &Hint::new(NOW), None));
        }),
        Case::new("a call to be retried (the same, and a draw)", || {
            let mut call = call();
            let failed = Outcome::transient(Executed::No, "no connection");
            let _ = black_box(call.on_outcome(NOW, failed, &Hint::new(NOW), None));
        }),
        Case::new("reading 6 headers without a hint", || {
            black_box(Hint::read(black_box(PLAIN), moment()));
        }),
        Case::started("reading 4 headers with a hint, and aligning", || Aligning {
            call: call(),
        }),
        Case::new("reading 4 headers with a hint, without aligning", || {
            black_box(Hint::read(black_box(HINTED).iter().copied(), moment()));
        }),
        Case::new("the same, looked up by name and parsed: no more", || {
            let headers = black_box(HINTED);
            let number = |name: &str| {
                let mut headers = headers.iter();
                let (_, value) = headers.find(|(it, _)| it.eq_ignore_ascii_case(name))?;
                std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok()
            };
            black_box((
                number("retry-after"),
                number("x-rate-limit-limit"),
                number("x-rate-limit-remaining"),
                number("x-rate-limit-reset"),
            ));
        }),
        Case::new("reading RateLimit and RateLimit-Policy, one window", || {
            black_box(Hint::read(black_box(STRUCTURED), moment()));
        }),
        Case::new("reading a date", || {
            black_box(Hint::read(black_box(DATED), moment()));
        }),
        Case::started("pacer: a permit taken and returned", || Permits::told([])),
        Case::started("pacer: the same, one window told", || {
            Permits::told([Window::new("").with_limit(300).with_remaining(200)])
        }),
        Case::started("pacer: the same, two windows told", || {
            Permits::told([
                Window::new("").with_limit(300).with_remaining(200),
                Window::new("tokens")
                    .with_unit(Unit::Tokens)
                    .with_limit(90_000)
                    .with_remaining(40_000),
            ])
        }),
        Case::new("handle: a call from start to drop, two clock reads", || {
            BREATHER.with(|breather| {
                let scope = black_box(Some("api.example.com"));
                let mut call = breather.start(
                    NewCall::new().with_origin(scope).with_idempotent(true),
                    TokioTimer,
                    7,
                );
                let _ = black_box(call.poll_step(std::task::Waker::noop()));
                let hint = Hint::new(NOW);
                let _ = black_box(call.on_outcome(Outcome::success(), &hint));
            });
        }),
    ]);
}

/// An attempt of a scope that is not held, from its request to its answer, which has a hint.
struct Permits {
    pacer: Pacer,
    hint: Hint<'static>,
}

impl Permits {
    fn told<const N: usize>(windows: [Window<'static>; N]) -> Self {
        let windows = windows.map(|window| window.with_reset(Duration::from_secs(9)));
        Self {
            pacer: Pacer::new(Pacing::default()),
            hint: windows.into_iter().fold(Hint::new(NOW), Hint::with_window),
        }
    }
}

impl Round for Permits {
    type Input = ();
    type Output = bool;

    fn prepare(&mut self) {}

    fn run(&mut self, (): ()) -> bool {
        let Self { pacer, hint } = self;
        let ticket = pacer.arrive();
        let Admission::Send(permit) = pacer.request(NOW, ticket, WaitLimits::endless()) else {
            return false;
        };
        let _ = pacer.on_outcome(NOW, permit, Outcome::success(), hint);
        true
    }

    fn check(&mut self, is_sent: bool) {
        assert!(is_sent, "the scope is held");
    }
}

/// A rejection of a call that is active and passes a pacer as a handle's calls do.
struct Aligning {
    call: Call,
}

impl Round for Aligning {
    type Input = ();
    type Output = bool;

    fn prepare(&mut self) {
        self.call = call();
    }

    fn run(&mut self, (): ()) -> bool {
        let hint = Hint::read(black_box(HINTED).iter().copied(), moment());
        let rejection = Outcome::throttled("status 429");
        let decision = self.call.on_outcome(NOW, rejection, &hint, None);
        matches!(black_box(&decision), Decision::Retry(_))
    }

    fn check(&mut self, output: bool) {
        assert!(output, "the call stopped");
    }
}

fn call() -> Call {
    let mut call = Call::new(
        black_box(Policy::default()),
        CallSpec::new().with_paced(true),
        black_box(7),
        NOW,
    );
    call.on_sent(NOW);
    call
}

fn moment() -> Moment<'static> {
    const CLOCK: UnixTime = UnixTime::from_secs(1_800_000_000);
    Moment::new(NOW).with_wall_clock(&CLOCK)
}

const NOW: Instant = Instant::from_nanos(1_000_000_000);

const PLAIN: [(&str, &[u8]); 6] = [
    ("content-type", b"application/json"),
    ("content-length", b"256"),
    ("date", b"Fri, 15 Jan 2027 08:00:00 GMT"),
    ("server", b"nginx"),
    ("vary", b"accept-encoding"),
    ("x-request-id", b"0b9c2f54-5d4f-4a53-8d37-1b1d4bd9f2a1"),
];

const HINTED: &[(&str, &[u8])] = &[
    ("x-rate-limit-limit", b"300"),
    ("x-rate-limit-remaining", b"0"),
    ("x-rate-limit-reset", b"41"),
    ("retry-after", b"41"),
];

const STRUCTURED: [(&str, &[u8]); 2] = [
    ("ratelimit", b"\"default\";r=0;t=41"),
    ("ratelimit-policy", b"\"default\";q=300;w=60"),
];

const DATED: [(&str, &[u8]); 2] = [
    ("retry-after", b"Fri, 15 Jan 2027 08:00:07 GMT"),
    ("date", b"Fri, 15 Jan 2027 08:00:00 GMT"),
];

thread_local! {
    static BREATHER: Breather = Breather::default();
}
