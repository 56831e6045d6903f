//! What a scope's pacer learns, and what it then does.

mod attribution;
mod concurrency;
mod hold;
mod overage;
mod overload;
mod pace;
mod probe;
mod properties;
mod queue;
mod quota;
mod rate;
mod rhythm;
mod snapshot;
mod windows;

use std::iter;
use std::time::Duration;

use breather::{
    Executed, Hint, HoldReason, Outcome, OutcomeKind, Pace, Pacing, Priority,
    driver::{Admission, Instant, Pacer, Permit, Ticket, WaitLimits},
    hint::Window,
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// How many a pacer that knows nothing lets be in flight.
const AT_START: usize = 30;

const START: Instant = Instant::from_nanos(1_000_000_000);

fn pacer() -> Pacer {
    Pacer::new(Pacing::default())
}

fn granted(pacer: &mut Pacer, now: Instant) -> Permit {
    let ticket = pacer.arrive();
    match pacer.request(now, ticket, WaitLimits::endless()) {
        Admission::Send(permit) => permit,
        other => panic!("not granted: {other:?}"),
    }
}

fn waits(pacer: &mut Pacer, now: Instant) -> (Ticket, Option<Instant>) {
    let ticket = pacer.arrive();
    match pacer.request(now, ticket, WaitLimits::endless()) {
        Admission::Wait { opens } => (ticket, opens),
        other => panic!("does not wait: {other:?}"),
    }
}

fn said(now: Instant, remaining: u64, reset: u32) -> Hint<'static> {
    let window = Window::new("").with_limit(300).with_remaining(remaining);
    Hint::new(now).with_window(window.with_reset(reset * SECOND))
}

fn throttled() -> Outcome {
    Outcome::throttled("status 429")
}

/// Grants as many as there is room for, through the order of waiting.
fn drain(pacer: &mut Pacer, now: Instant) -> Vec<Ticket> {
    iter::from_fn(|| pacer.poll_offer(now)).collect()
}

/// A pacer that knows that two in flight are not too many.
fn pacer_that_proved_two() -> Pacer {
    let mut pacer = pacer();
    for permit in [(); 2].map(|()| granted(&mut pacer, START)) {
        let _ = pacer.on_outcome(START, permit, Outcome::success(), &Hint::new(START));
    }
    pacer
}

/// Has `pacer` send one, which is accepted and answered at once: `remaining` of 300 are left, and the reset is
/// in `reset` seconds.
fn answered(pacer: &mut Pacer, now: Instant, remaining: u64, reset: u32) {
    let permit = granted(pacer, now);
    let hint = said(now, remaining, reset);
    let _ = pacer.on_outcome(now, permit, Outcome::success(), &hint);
}

fn is_granted(pacer: &mut Pacer, now: Instant) -> Option<Permit> {
    let mut sent = Vec::new();
    waits_or_is_sent(pacer, now, &mut sent);
    sent.pop()
}

/// Has attempts sent, and the oldest accepted when no more may be sent, until `answers` were. Returns how many were sent,
/// and those in flight.
fn sent_with_answers(pacer: &mut Pacer, now: Instant, answers: usize) -> (usize, Vec<Permit>) {
    let mut sent = Vec::new();
    let mut answered = 0;
    let mut ticket = pacer.arrive();
    loop {
        match pacer.request(now, ticket, WaitLimits::endless()) {
            Admission::Send(permit) => {
                sent.push(permit);
                ticket = pacer.arrive();
            }
            Admission::Wait { .. } if answered < answers => {
                answered += 1;
                let permit = sent.remove(0);
                let _ = pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now));
            }
            _ => {
                pacer.leave(ticket);
                return (answered + sent.len(), sent);
            }
        }
    }
}

/// Has calls sent and answered with `outcome` at once, until one has to wait, or for a hundred.
fn waits_at_last(
    pacer: &mut Pacer,
    now: Instant,
    outcome: Outcome,
    sends: &mut u32,
) -> Option<Ticket> {
    while *sends < 100 {
        let ticket = pacer.arrive();
        match pacer.request(now, ticket, WaitLimits::endless()) {
            Admission::Send(permit) => {
                let _ = pacer.on_outcome(now, permit, outcome, &Hint::new(now));
            }
            Admission::Wait { .. } => return Some(ticket),
            Admission::QueueFull | Admission::Rejected { .. } => panic!(),
        }
        *sends += 1;
    }
    None
}

fn waits_or_is_sent(pacer: &mut Pacer, now: Instant, sent: &mut Vec<Permit>) -> Option<Ticket> {
    let ticket = pacer.arrive();
    match pacer.request(now, ticket, WaitLimits::endless()) {
        Admission::Send(permit) => {
            sent.push(permit);
            None
        }
        Admission::Wait { .. } => {
            pacer.leave(ticket);
            Some(ticket)
        }
        Admission::QueueFull | Admission::Rejected { .. } => panic!(),
    }
}
