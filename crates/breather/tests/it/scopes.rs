//! Hundreds of scopes in one handle.

use std::time::Duration;

use breather::{
    Breather, CallOptions, Hint, Outcome, Scopes,
    driver::{Instant, NewCall, Step, Timer},
    hint::Window,
};
use breather_test::VirtualTimer;

use crate::server::Server;
use crate::world::{Conduct, End, World};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Returns a server with its own limits. Every seventh server starts with a spent window.
fn server(index: usize) -> Server {
    let quota = 5 + index as u64 * 7 % 20;
    let window = SECOND * (2 + index as u32 % 9);
    let cap = 1 + index as u32 % 8;
    let service = MS * (20 + index as u32 * 13 % 200);
    let server = Server::new(quota, window, cap, service);
    if index % 7 == 0 {
        server.spent()
    } else {
        server
    }
}

/// Returns the seed of a server's n-th call.
fn seed(server: usize, nth: usize) -> u64 {
    (server * CALLS + nth) as u64
}

/// Runs calls to `servers`, which start in turn.
fn play(servers: impl Iterator<Item = usize> + Clone) -> World {
    let mut world = World::new(Breather::default(), (0..SCOPES).map(server).collect());
    for nth in 0..CALLS {
        for server in servers.clone() {
            world.call(server, Conduct::Stays, seed(server, nth));
        }
    }
    world.run();
    world
}

#[test]
fn long_names_are_shortened_and_kept_apart() {
    let breather = Breather::default();
    let timer = VirtualTimer::default();
    let names = ["a", "b"].map(|last| "token".repeat(200_000) + last);
    let held = |name: &str| {
        let mut call = breather.start(
            NewCall::new()
                .with_scope(&Scopes::from([name, name]))
                .with_idempotent(true),
            timer.clone(),
            1,
        );
        let step = call.poll_step(std::task::Waker::noop());
        if step == Step::Send {
            let hint = Hint::new(timer.now()).with_retry_after(MS);
            let _ = call.on_outcome(Outcome::throttled("status 429"), &hint);
        }
        step != Step::Send
    };
    assert!(!held(&names[0]));
    assert!(held(&names[0]), "found again");
    assert!(!held(&names[1]), "another");
    assert!(breather.snapshot(&names[0]).is_some());
    for (name, _) in breather.snapshots() {
        assert!(name.len() <= 300, "{}", name.len());
    }
    assert!(breather.forget(&names[0]));
    assert!(!held(&names[0]));
}

#[test]
fn host_stands_for_its_origins() {
    use breather::{Pace, Pacing};
    let breather = Breather::default();
    breather.set_pacing("api.example.com", Pacing::new().with_pace(Pace::Even));
    breather.set_pacing("http://api.example.com", Pacing::new().with_max_queued(0));
    let timer = VirtualTimer::default();
    for origin in ["https://api.example.com", "http://api.example.com"] {
        assert_eq!(
            breather.snapshot("api.example.com").is_some(),
            origin.starts_with("http:")
        );
        let mut call = breather.start(
            NewCall::new()
                .with_scope(&Scopes::from([origin]))
                .with_idempotent(true),
            timer.clone(),
            1,
        );
        assert_eq!(call.poll_step(std::task::Waker::noop()), Step::Send);
        let hint = Hint::new(timer.now()).with_retry_after(SECOND);
        let _ = call.on_outcome(Outcome::throttled("status 429"), &hint);
        // Each origin is a separate scope with its own settings.
        let mut next = breather.start(
            NewCall::new()
                .with_scope(&Scopes::from([origin]))
                .with_idempotent(true),
            timer.clone(),
            1,
        );
        let step = next.poll_step(std::task::Waker::noop());
        let is_crowded = matches!(step, Step::End(_));
        assert_eq!(is_crowded, origin.starts_with("http:"), "{step:?}");
    }
    assert!(breather.forget("api.example.com"));
    for (name, snapshot) in breather.snapshots() {
        assert_eq!(snapshot.held_until(), None, "{name}");
    }
}

#[test]
fn promise_8_500_scopes_do_not_affect_each_other() {
    let together = play(0..SCOPES);
    assert_eq!(together.ended(End::Succeeded), SCOPES * CALLS);
    let mut waited = 0;
    for server in 0..SCOPES {
        let alone = play(server..=server);
        let alone = alone.callers().iter().map(|caller| &caller.sent);
        let among = together.callers().iter().skip(server).step_by(SCOPES);
        let among = among.map(|caller| &caller.sent);
        assert!(alone.eq(among), "server {server} differs");
        assert_eq!(together.counted(server), Some((0, 0)));
        let last = together.callers()[SCOPES * (CALLS - 1) + server]
            .sent
            .last();
        waited += usize::from(last.is_some_and(|&at| at > Instant::ORIGIN + SECOND));
    }
    // The test needs scopes whose calls had to wait.
    assert!(waited > SCOPES / 2, "{waited}");
}

/// Sends a call in `scope` whose response reports `remaining`. Returns whether the scope was
/// shared.
fn request(breather: &Breather, timer: &VirtualTimer, scope: &str, remaining: u64) -> bool {
    let mut call = breather.start(
        NewCall::new().with_origin(scope).with_idempotent(true),
        timer.clone(),
        1,
    );
    assert_eq!(step(&mut call), Step::Send);
    let window = Window::new("").with_remaining(remaining);
    let hint = Hint::new(timer.now()).with_window(window.with_reset(60 * SECOND));
    let _ = call.on_outcome(Outcome::success(), &hint);
    !call.report().unshared()
}

fn step(call: &mut breather::driver::ActiveCall<VirtualTimer>) -> Step {
    call.poll_step(std::task::Waker::noop())
}

#[test]
fn promise_8_only_idle_scopes_are_evicted() {
    const ROOM: usize = 100;
    const ACTIVE: [&str; 4] = ["held", "awaited", "busy", "begun"];
    let breather = Breather::builder().with_max_scopes(ROOM).build();
    let timer = VirtualTimer::default();
    let name = |kind: &str, index: usize| format!("{kind} {index}");
    let known = |kind: &str, count: usize| {
        let names = (0..count).map(|index| name(kind, index));
        names.filter_map(|it| breather.snapshot(&it)).count()
    };
    let start = |scope: &str| {
        breather.start(
            NewCall::new().with_origin(scope).with_idempotent(true),
            timer.clone(),
            1,
        )
    };
    // Creates 20 scopes of each kind: held, held with a queued call, with a call in flight, and
    // with a call that was not polled yet.
    let mut held_by = Vec::new();
    for index in 0..20 {
        assert!(request(&breather, &timer, &name("held", index), 0));
        assert!(request(&breather, &timer, &name("awaited", index), 0));
        let mut waiting = start(&name("awaited", index));
        assert!(matches!(step(&mut waiting), Step::Wait { .. }));
        let mut sent = start(&name("busy", index));
        assert_eq!(step(&mut sent), Step::Send);
        let begun = start(&name("begun", index));
        held_by.extend([waiting, sent, begun]);
    }
    for index in 0..SCOPES {
        timer.advance(MS);
        assert!(request(&breather, &timer, &name("passing", index), 200));
        assert_eq!(ACTIVE.map(|kind| known(kind, 20)), [20; 4]);
        assert_eq!(known("passing", SCOPES), (index + 1).min(ROOM - 80));
    }
    // The table keeps the scopes that were used last.
    for index in 0..SCOPES {
        let is_known = breather.snapshot(&name("passing", index)).is_some();
        assert_eq!(is_known, index >= SCOPES - (ROOM - 80), "{index}");
    }
    for index in 0..20 {
        let counted = |kind: &str| {
            let snapshot = breather.snapshot(&name(kind, index)).unwrap();
            let is_held = snapshot.opens_at().is_some();
            (is_held, snapshot.in_flight(), snapshot.queued())
        };
        assert_eq!(counted("held"), (true, 0, 0));
        assert_eq!(counted("awaited"), (true, 0, 1));
        assert_eq!(counted("busy"), (false, 1, 0));
    }
    // Calls and holds end, so all scopes can be evicted.
    drop(held_by);
    timer.advance(61 * SECOND);
    for index in 0..ROOM {
        assert!(request(&breather, &timer, &name("late", index), 200));
    }
    assert_eq!(known("late", ROOM), ROOM);
    assert_eq!(ACTIVE.map(|kind| known(kind, 20)), [0; 4]);
}

#[test]
fn promise_8_scopes_beyond_full_table_run_unshared() {
    const ROOM: usize = 50;
    let breather = Breather::builder().with_max_scopes(ROOM).build();
    let timer = VirtualTimer::default();
    let held = |index: usize| format!("held {index}");
    for index in 0..ROOM {
        assert!(request(&breather, &timer, &held(index), 0));
    }
    for index in 0..SCOPES {
        let name = World::scope(index);
        assert!(!request(&breather, &timer, &name, 0), "{name} is shared");
        // The spent window holds no other call, because the scope was not kept.
        assert!(!request(&breather, &timer, &name, 0));
        assert_eq!(breather.snapshot(&name), None);
    }
    assert!((0..ROOM).all(|index| breather.snapshot(&held(index)).is_some()));
    timer.advance(61 * SECOND);
    assert!(request(&breather, &timer, &World::scope(0), 200));
}

const SCOPES: usize = 500;

/// The number of calls in each scope.
const CALLS: usize = 20;

/// Has a call to `path` of one host sent and answered with what is left there. Returns whether it was sent.
fn route(breather: &Breather, timer: &VirtualTimer, path: &str, remaining: u64) -> bool {
    let new = NewCall::new().with_origin("https://api.example.com");
    let mut call = breather.start(new.with_path(path), timer.clone(), 1);
    if step(&mut call) != Step::Send {
        return false;
    }
    let window = Window::new("").with_limit(30).with_remaining(remaining);
    let hint = Hint::new(timer.now()).with_window(window.with_reset(50 * SECOND));
    let _ = call.on_outcome(Outcome::success(), &hint);
    true
}

#[test]
fn spent_search_holds_its_host_unless_a_route_has_its_own_scope() {
    let timer = VirtualTimer::default();
    let by_host = Breather::default();
    assert!(route(&by_host, &timer, "/search/code", 0));
    assert!(!route(&by_host, &timer, "/repos/one", 4_999));

    let by_route = Breather::default();
    let search = CallOptions::new().with_scope("example search");
    by_route.set_route("api.example.com/search", search);
    assert!(route(&by_route, &timer, "/search/code", 0));
    assert!(route(&by_route, &timer, "/repos/one", 4_999));
    assert!(!route(&by_route, &timer, "/search/issues", 0));
    let held = by_route.snapshot("example search").unwrap();
    assert_eq!(held.opens_at(), Some(timer.now() + 50 * SECOND));
}
