use std::collections::BTreeMap;

use breather_examples::analytics::Timeline;
use breather_sim::{Ideal, quantile};
use breather_storm::plural;
use serde::Serialize;

use crate::{
    client::Client,
    load::{Completion, Run},
    units::{round, seconds},
};

/// The results of one client. Times are in seconds since the start of its run.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) calls: u32,
    pub(crate) ok: u32,
    /// The count of the server, like `throttled` and `peak_sends_1s`.
    pub(crate) sends: u64,
    pub(crate) throttled: u64,
    pub(crate) sends_per_call: f64,
    pub(crate) makespan_s: f64,
    pub(crate) makespan_over_ideal: f64,
    pub(crate) p50_s: f64,
    pub(crate) p99_s: f64,
    pub(crate) peak_sends_1s: u64,
    /// The calls that had not ended when the limit passed.
    #[serde(skip)]
    pub(crate) given_up: u32,
    #[serde(skip)]
    pub(crate) timeline: Timeline,
    #[serde(skip)]
    pub(crate) first_send_s: f64,
    /// The reasons why calls are not ok.
    #[serde(skip)]
    pub(crate) notes: Vec<String>,
}

impl Row {
    /// Combines the results of the client with the counts of the server.
    pub(crate) fn new(client: Client, calls: u32, ideal: &Ideal, run: Run) -> Self {
        let Run {
            limit,
            completions,
            stats,
            timeline,
            first_send,
        } = run;
        let done = completions.len() as u32;
        let given_up = calls - done;
        // Calls that were given up count as completed at the limit, a lower bound of their time.
        let mut times: Vec<_> = completions.iter().map(|completion| completion.at).collect();
        times.resize(calls as usize, limit);
        times.sort_unstable();
        let makespan = quantile(&times, 1.0);

        let mut failures = BTreeMap::<String, u32>::new();
        for failure in completions.iter().filter_map(failure) {
            *failures.entry(failure).or_default() += 1;
        }
        let failed: u32 = failures.values().sum();

        let name = client.name();
        let mut notes = Vec::new();
        if given_up > 0 {
            notes.push(format!(
                "* {name}: {} given up after {:.1} s\n  (see --limit-s). The real values are above those marked with >.",
                plural(given_up, "call"),
                limit.as_secs_f64(),
            ));
        }
        for (failure, count) in failures {
            notes.push(format!("{name}: {} {failure}.", plural(count, "call")));
        }
        Self {
            name,
            calls,
            ok: done - failed,
            sends: stats.sends,
            throttled: stats.throttled(),
            sends_per_call: round(stats.sends as f64 / f64::from(calls)),
            makespan_s: seconds(makespan),
            makespan_over_ideal: round(makespan.div_duration_f64(ideal.makespan())),
            p50_s: seconds(quantile(&times, 0.5)),
            p99_s: seconds(quantile(&times, 0.99)),
            peak_sends_1s: stats.peak_sends_1s,
            given_up,
            timeline,
            first_send_s: seconds(first_send),
            notes,
        }
    }

    /// Returns whether the limit passed before all calls had ended.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.given_up > 0
    }
}

fn failure(completion: &Completion) -> Option<String> {
    match &completion.result {
        Ok(status) if status.is_success() => None,
        Ok(status) => Some(format!("ended with {status}")),
        Err(error) => {
            let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
            Some(format!("failed: {}", causes.join(": ")))
        }
    }
}
