use std::time::Duration;

use breather_sim::Ideal;
use breather_storm::{Bins, Chart, Track, decimal, plural, thousands};

use crate::{options::Options, row::Row};

/// Draws the sends over time, with one panel for each client.
pub(crate) fn of_clients(options: &Options, ideal: &Ideal, rows: &[Row]) -> Chart {
    let chart = Chart::new(load(options), ideal.makespan()).with_window(options.server().window());
    rows.iter().map(track).fold(chart, Chart::with_track)
}

/// Describes the load and the limits of the API.
fn load(options: &Options) -> String {
    let server = options.server();
    format!(
        "{} by {}, all started at once. The API accepts {} in {} s and {} in flight, and throttles all \
         others at once.",
        plural(options.calls, "call"),
        plural(options.callers, "caller"),
        thousands(server.quota().get().into()),
        server.window().as_secs_f64(),
        thousands(server.cap().get().into()),
    )
}

fn track(row: &Row) -> Track {
    let bins = Bins::new(row.timeline.bin_width(), row.timeline.bins().to_vec())
        .with_start(Duration::from_secs_f64(row.first_send_s));
    let end = Duration::from_secs_f64(row.makespan_s);
    let track = Track::new(&row.name, bins, end).with_summary(summary(row));
    if row.is_cut_off() {
        track.cut_off()
    } else {
        track
    }
}

/// Summarizes the results of the calls.
fn summary(row: &Row) -> String {
    let failed = match row.calls - row.given_up - row.ok {
        0 => String::new(),
        failed => format!(" ({} failed)", thousands(failed.into())),
    };
    let makespan = decimal(row.makespan_s);
    let end = match row.given_up {
        0 => format!("{makespan} s"),
        given_up => format!(
            "cut off at {makespan} s, {} not done",
            thousands(given_up.into())
        ),
    };
    format!(
        "{}{failed}, {}, {} throttled, {end}",
        plural(row.calls, "call"),
        plural(row.sends, "send"),
        thousands(row.throttled),
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::{
        client::Client,
        load::{Completion, Run},
    };
    use breather_examples::analytics::{Stats, Timeline};
    use clap::Parser;
    use reqwest::StatusCode;

    use super::*;

    #[test]
    fn each_client_has_a_panel() {
        let chart = chart(&[row("one", 3, 2_000), row("another", 3, 50_000)]);
        assert!(chart.contains("3 calls, 1,200 sends, 0 throttled, 2.0 s"));
        assert!(chart.contains("3 calls, 1,200 sends, 0 throttled, 50.0 s"));
        assert_eq!(chart.matches("done: ").count(), 2);
        // The reset at 20 s, on an axis where 50 s are 762 long.
        assert!(chart.contains(r#"x1="304.8""#));
    }

    #[test]
    fn client_that_is_cut_off_is_marked() {
        let chart = chart(&[row("slow", 1, 2_000)]);
        assert!(chart.contains("3 calls, 1,200 sends, 0 throttled, cut off at 60.0 s, 2 not done"));
        assert!(chart.contains("cut off: 60.0 s"));
        assert!(!chart.contains("done: "));
    }

    fn chart(rows: &[Row]) -> String {
        let options = Options::parse_from(["spike"]);
        let ideal = Ideal::new(300, Duration::from_secs(10), 50, [Duration::from_secs(1)]);
        of_clients(&options, &ideal, rows).document().to_string()
    }

    /// Returns the row of three calls. `done` of them end, the last one at `end_ms`.
    fn row(name: &str, done: u32, end_ms: u64) -> Row {
        let completion = |number: u32| Completion {
            at: Duration::from_millis(end_ms) / (done - number),
            result: Ok(StatusCode::OK),
        };
        let mut timeline = Timeline::default();
        timeline.on_accepted(Instant::now());
        let mut stats = Stats::default();
        stats.sends = 1200;
        let run = Run {
            limit: Duration::from_secs(60),
            completions: (0..done).map(completion).collect(),
            stats,
            timeline,
            first_send: Duration::ZERO,
        };
        let ideal = Ideal::new(1, Duration::from_secs(1), 1, [Duration::from_secs(1)]);
        let mut row = Row::new(Client::Loop, 3, &ideal, run);
        row.name = name.to_owned();
        row
    }
}
