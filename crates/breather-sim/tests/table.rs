//! Tests that the pacer meets its target against each kind of server, without any configuration.
//!
//! `cargo run --release -p breather-sim --example table` prints the same rows, and more.

mod common;

use breather_sim::table::rows;

use self::common::{SEEDS, assert_within, finished};

/// Asserts that every row of that name reaches its target.
fn assert_reached(name: &str) {
    let mut rows = rows();
    rows.retain(|row| row.name == name);
    assert!(!rows.is_empty(), "no row is called {name}");
    for row in rows {
        let target = row.target.expect("a row of the table has a target");
        assert_within(
            row.name,
            &row.server,
            &row.load,
            target.makespan,
            target.sends,
        );
    }
}

macro_rules! reached {
    ($($(#[$attribute:meta])* $test:ident: $name:literal;)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $test() {
                assert_reached($name);
            }
        )*

        #[test]
        fn every_row_with_a_target_is_tested() {
            let tested = [$($name),*];
            for row in rows().iter().filter(|row| row.target.is_some()) {
                assert!(tested.contains(&row.name), "{} is not", row.name);
            }
        }
    };
}

reached! {
    fixed_window: "fixed window";
    interactive_call: "an interactive call beside 100 of a batch";
    two_tenants: "5 calls of a tenant behind 1,000 of another";
    less_than_a_window: "less than a window";
    less_than_a_window_with_retry_after: "less than a window, cap with Retry-After: 1";
    sliding_log: "sliding log";
    token_bucket: "token bucket, reset when full";
    token_bucket_with_reset_at_next: "token bucket, reset at the next token";
    no_cap: "no cap";
    two_processes: "two processes";
    throttled_calls_cost_quota: "throttled calls cost quota";
    headers_rounded_down: "headers rounded down";
    clock_ahead: "epoch and Date, clock 3 s ahead";
    clock_behind: "epoch and Date, clock 3 s behind";
    retry_after_alone: "Retry-After alone";
    nothing_but_the_429: "nothing but the 429";
    cap_of_5: "cap of 5, 150 in 10 s";
    cap_of_20: "cap of 20, 600 in 10 s";
    cap_of_100: "cap of 100, 600 a minute";
    cap_of_500: "cap of 500, 3,000 a minute";
    service_of_20_ms: "service of 20 ms";
    service_of_2_s: "service of 2 s";
    tiny_quota: "10 in 10 s";
    early_hints: "hints 1 s too early";
    quota_halves_in_a_hold: "quota halves in a hold";
    quota_halves_in_a_burst: "quota halves in a burst";
    quota_halves_at_a_reset: "quota halves at a reset";
    quota_doubles_in_a_burst: "quota doubles in a burst";
    quota_doubles_at_a_reset: "quota doubles at a reset";
    cap_falls_in_a_burst: "cap from 50 to 10 in a burst";
    cap_falls_in_a_hold: "cap from 50 to 10 in a hold";
    cap_rises: "cap from 50 to 200";
    cap_rises_where_it_limits: "cap from 10 to 40, where it is what limits";
    cap_falls_where_it_limits: "cap from 40 to 10, where it is what limits";
    others: "half the quota used by others";
    two_tokens: "2 tokens of 200";
    four_tokens: "4 tokens of 100";
    tokens_that_have_all: "4 tokens of 75, which is all there is";
    openai: "LLM, OpenAI's headers";
    costs_stated: "LLM, costs stated";
    anthropic: "LLM, Anthropic's headers";
    language_model_with_cap: "LLM, cap of 50";
    tokens_charged_at_response: "LLM, charged at the response";
    tokens_in_fixed_windows: "LLM, fixed windows";
    two_windows: "10 a second and 300 a minute";
    two_windows_told_one_at_a_time: "10 a second and 300 a minute, the tightest told";
    two_windows_not_told: "10 a second and 300 a minute, Retry-After alone";
    language_model_that_says_little: "LLM, Retry-After alone";
    second_with_retry_after: "10 a second, Retry-After alone";
    bare_second: "10 a second, bare";
    hundred_a_second_with_retry_after: "100 a second, Retry-After alone";
    bare_hundred_a_second: "100 a second, bare";
    bare_small_bucket: "bucket of 10, one in 5 s, bare";
    new_connections: "new connections are overtaken";
    overage: "overage is billed";
    unlimited: "unlimited";
    unlimited_callers: "unlimited, 500 callers";
    faults: "unlimited, 500 callers, 1 % fail";
    nginx_with_a_queue: "nginx, 10 a second and a queue of 20";
    sliding_counter: "sliding counter, 50 in 10 s, bare";
    haproxy: "HAProxy, 50 in 10 s, throttled calls counted";
    nginx_with_a_burst: "nginx, 10 a second and a burst of 20";
    cap_that_sheds: "cap from 50 to 17 for 30 s, bare 503";
}

#[test]
fn response_times_are_near_the_ideal() {
    let row = &rows()[0];
    for seed in SEEDS {
        let run = finished(&row.server, &row.load, seed);
        let ideal = row.server.ideal(&row.load, seed);
        for share in [0.5, 0.99] {
            let late = run.quantile(share).div_duration_f64(ideal.quantile(share));
            assert!(late <= 1.02, "p{}: {late:.3}", share * 100.0);
        }
    }
}

#[test]
fn no_storm_after_a_reset() {
    let row = &rows()[0];
    for seed in SEEDS {
        // 50 in flight of 200 ms each are 250 a second.
        let peak = finished(&row.server, &row.load, seed).peak_sends_1s();
        assert!(peak <= 300, "{peak}");
    }
}
