//! The results of one client.

use breather_sim::{Ideal, Run};
use serde::Serialize;

/// The measurements of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measures {
    ok: usize,
    sends_per_call: f64,
    makespan: f64,
    p50: f64,
    p99: f64,
    peak_sends_1s: usize,
    throttled_quota: usize,
    throttled_cap: usize,
}

impl Measures {
    pub(crate) fn of(run: &Run, ideal: &Ideal) -> Self {
        let over = |share| run.quantile(share).div_duration_f64(ideal.quantile(share));
        Self {
            ok: run.ok(),
            sends_per_call: run.sends_per_call(),
            makespan: over(1.0),
            p50: over(0.5),
            p99: over(0.99),
            peak_sends_1s: run.peak_sends_1s(),
            throttled_quota: run.throttled_quota(),
            throttled_cap: run.throttled_cap(),
        }
    }
}

/// The results of one client against one server.
///
/// They are medians over the seeds, except `ok`, which is the smallest. Times are those of
/// successful calls, divided by the ideal's time for the same share.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) server: String,
    pub(crate) client: String,
    pub(crate) calls: usize,
    pub(crate) ok: usize,
    pub(crate) sends_per_call: f64,
    pub(crate) makespan_over_ideal: f64,
    pub(crate) p50_over_ideal: f64,
    pub(crate) p99_over_ideal: f64,
    pub(crate) peak_sends_1s: usize,
    pub(crate) throttled_quota: usize,
    pub(crate) throttled_concurrency: usize,
}

impl Row {
    /// Creates a row from at least one run.
    pub(crate) fn new(server: &str, client: &str, calls: usize, runs: &[Measures]) -> Self {
        let ratio = |of: fn(&Measures) -> f64| round(median(runs, of, f64::total_cmp));
        let count = |of: fn(&Measures) -> usize| median(runs, of, usize::cmp);
        Self {
            server: server.to_owned(),
            client: client.to_owned(),
            calls,
            ok: runs.iter().map(|run| run.ok).min().unwrap_or_default(),
            sends_per_call: ratio(|run| run.sends_per_call),
            makespan_over_ideal: ratio(|run| run.makespan),
            p50_over_ideal: ratio(|run| run.p50),
            p99_over_ideal: ratio(|run| run.p99),
            peak_sends_1s: count(|run| run.peak_sends_1s),
            throttled_quota: count(|run| run.throttled_quota),
            throttled_concurrency: count(|run| run.throttled_cap),
        }
    }
}

fn median<T: Copy>(
    runs: &[Measures],
    of: fn(&Measures) -> T,
    compare: impl FnMut(&T, &T) -> std::cmp::Ordering,
) -> T {
    let mut values: Vec<_> = runs.iter().map(of).collect();
    values.sort_by(compare);
    values[values.len() / 2]
}

/// Rounds to thousandths, because further digits would be noise.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use breather_sim::{Client, Load, Server, run_client};

    use super::*;

    #[test]
    fn row_has_medians_and_the_smallest_ok() {
        let (server, load) = (Server::default(), Load::spike(100));
        let mut runs: Vec<_> = (1..=3)
            .map(|seed| {
                let run = run_client(&server, &load, &Client::Breather, seed);
                Measures::of(&run, &server.ideal(&load, seed))
            })
            .collect();
        (runs[0].makespan, runs[1].makespan, runs[2].makespan) = (9.0, 1.0, 2.0005);
        runs[1].ok = 70;
        let row = Row::new("server", "client", 100, &runs);
        assert_eq!(
            (row.ok, row.calls, row.makespan_over_ideal),
            (70, 100, 2.001)
        );
    }
}
