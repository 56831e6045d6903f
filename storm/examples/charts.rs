//! Draws the charts of `docs/pacing.md` and describes each of them in words.
//!
//! They show how the pacer learns. Run `cargo run --release -p breather-storm --example charts`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use breather::driver::Instant;
use breather::{Pacing, Policy, Priority};
use breather_sim::{Client, Headers, Limiter, Load, Outage, Server, run_client};
use breather_storm::{Chart, CloseUp, Course, Scene, Track};

const SEED: u64 = 1;
const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The folder beside the chapter.
const FOLDER: &str = "docs/pacing";

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(FOLDER);
    let written = drawings()
        .iter()
        .map(|drawing| drawing.write_to(&folder))
        .collect::<io::Result<Vec<_>>>()
        .and_then(|written| stray(&folder, &written));
    match written {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(stray)) => {
            let name = stray.file_name().unwrap_or_default().to_string_lossy();
            eprintln!("error: no chart of this command is {FOLDER}/{name}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: cannot write the charts to {FOLDER}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns a file of the folder that was not written. Such a file would become outdated unnoticed.
fn stray(folder: &Path, written: &[PathBuf]) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !written.contains(&path) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// A chart and its file.
struct Drawing {
    name: &'static str,
    svg: String,
    description: String,
}

impl Drawing {
    fn of_chart(name: &'static str, chart: &Chart) -> Self {
        Self {
            name,
            svg: chart.document().to_string(),
            description: chart.description(),
        }
    }

    fn of_close_up(name: &'static str, chart: &CloseUp) -> Self {
        Self {
            name,
            svg: chart.document().to_string(),
            description: chart.description(),
        }
    }

    fn write_to(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let path = folder.join(self.name).with_extension("svg");
        fs::write(&path, format!("{}\n", self.svg))?;
        println!("{FOLDER}/{}.svg: {}\n", self.name, self.description);
        Ok(path)
    }
}

/// Returns the charts in the order of the chapter.
fn drawings() -> Vec<Drawing> {
    vec![
        herd(),
        cap(),
        reset(),
        early_hints(),
        token_bucket(),
        few_words(),
        bare_bucket(),
        processes(),
        changing_cap(),
        outage(),
        throttled_route(),
        lock_out(),
        priorities(),
    ]
}

fn throttled_route() -> Drawing {
    let load = Load::open(5.0, MINUTE).with_barred_calls(300);
    let mut chart = Chart::new(
        "Five calls a second for a minute. The first goes to a route that is always throttled, the others to an API \
         without limits.",
        MINUTE,
    )
    .with_title("A throttled route beside others");
    for (name, retry_after) in [("Retry-After: 20", Some(20)), ("nothing but the 429", None)] {
        let server = Server::unlimited().with_barred_route(retry_after);
        let run = run_client(&server, &load, &Client::Breather, SEED);
        chart = chart.with_track(Track::of_run(name, &run));
    }
    Drawing::of_chart("throttled-route", &chart)
}

fn lock_out() -> Drawing {
    let limiter = Limiter::lock_out(5, SECOND, 30 * SECOND, false);
    let server = Server::unlimited().with_limiter(limiter);
    let server = server.with_headers(Headers::None);
    let mut chart = Chart::new(
        "100 calls, all started at once. The API locks out for 30 s whoever sends more than five a second, and states \
         nothing.",
        server.ideal(&Load::spike(100), SEED).makespan(),
    )
    .with_title("A lock-out, and limits that you state");
    let six = Pacing::new().with_limit(6, SECOND);
    for (name, pacing) in [
        ("the limit stated as 6", six),
        (
            "the same, and a hold of 30 s",
            six.with_silent_hold(30 * SECOND),
        ),
        ("the limit stated as 5", Pacing::new().with_limit(5, SECOND)),
    ] {
        let load = Load::spike(100).with_pacing(pacing);
        let run = run_client(&server, &load, &Client::Breather, SEED);
        chart = chart.with_track(Track::of_run(name, &run));
    }
    Drawing::of_chart("lock-out", &chart)
}

/// Each tenth call is interactive.
fn priorities() -> Drawing {
    let is_interactive = |call: usize| call % 10 == 9;
    let server = Server::default().with_quota(10, 10 * SECOND);
    let load = Load::open(2.0, MINUTE);
    let mut chart = Chart::new(
        "Two calls a second for a minute, of which each tenth is interactive. The API accepts ten in 10 s. The line \
         counts interactive calls that are done.",
        server.ideal(&load, SEED).makespan(),
    )
    .with_title("Interactive calls beside a batch");
    let by_class = load.with_priorities(|call| match call % 10 {
        9 => Priority::Interactive,
        _ => Priority::Batch,
    });
    for (name, load) in [("oldest first", load), ("interactive first", by_class)] {
        let run = run_client(&server, &load, &Client::Breather, SEED);
        let reports = run.reports().iter().enumerate();
        let ends = reports.filter(|&(call, _)| is_interactive(call));
        let ends = ends.filter_map(|(call, report)| {
            let end = report.end()?.at().duration_since(Instant::ORIGIN);
            Some((end, end.saturating_sub(SECOND / 2 * call as u32)))
        });
        let (mut done, mut waits): (Vec<_>, Vec<_>) = ends.unzip();
        done.sort_unstable();
        waits.sort_unstable();
        let longest = waits.last().map_or(0.0, Duration::as_secs_f64);
        let summary = format!(
            "{} interactive calls, the slowest takes {longest:.1} s",
            done.len()
        );
        let track = Track::of_run(name, &run).with_completions(&done, done.len());
        chart = chart.with_track(track.with_summary(summary));
    }
    Drawing::of_chart("priorities", &chart)
}

fn herd() -> Drawing {
    let (server, load) = (Server::default(), Load::spike(1_000));
    let mut chart = Chart::new(
        "1,000 calls, all started at once. The API accepts 300 a minute and 50 in flight, and throttles all others \
         at once.",
        server.ideal(&load, SEED).makespan(),
    )
    .with_title("A thousand retry loops, and the pacer")
    .with_window(MINUTE);
    for client in [Client::LoopCapped, Client::Breather] {
        let run = run_client(&server, &load, &client, SEED);
        chart = chart.with_track(Track::of_run(client.name(), &run));
    }
    Drawing::of_chart("herd", &chart)
}

fn cap() -> Drawing {
    let load = Load::spike(300);
    let words = "300 calls, all started at once. The API says nothing of its cap, and a rejection is back after 20 ms.";
    let chart = [5, 50, 200].into_iter().fold(
        CloseUp::new("The first second: how the cap is found", words, 1_200 * MS),
        |chart, cap| {
            let server = Server::default()
                .with_cap(Some(cap))
                .with_cap_retry_after(None);
            let scene = Scene::new(format!("cap of {cap}"), Course::of(&server, &load, SEED));
            chart.with_scene(scene.with_cap_from(Duration::ZERO, cap))
        },
    );
    Drawing::of_close_up("cap", &chart)
}

fn reset() -> Drawing {
    let words = "1,000 calls, all started at once. The API accepts 300 a minute and 50 in flight, and each answer says \
                 how many remain and when that is over.";
    let course = Course::of(&Server::default(), &Load::spike(1_000), SEED);
    let scene = |name, start| {
        let scene = Scene::new(name, course.clone()).with_start(start);
        scene.with_cap_from(Duration::ZERO, 50)
    };
    let chart = CloseUp::new("A quota is spent, and comes back", words, 1_800 * MS)
        .with_scene(scene("the first window", Duration::ZERO))
        .with_scene(scene("the second", MINUTE - 200 * MS));
    Drawing::of_close_up("reset", &chart)
}

fn early_hints() -> Drawing {
    let words = "1,000 calls against 300 a minute. The API opens at 60, 120 and 180 s, and says that it does a second \
                 earlier.";
    let server = Server::default().with_early_hints(SECOND);
    let course = Course::of(&server, &Load::spike(1_000), SEED);
    let names = ["the first reset", "the second", "the third"];
    let chart = (1..).zip(names).fold(
        CloseUp::new("Hints that are a second too early", words, 1_800 * MS),
        |chart, (number, name)| {
            let start = number * MINUTE - 1_200 * MS;
            chart.with_scene(Scene::new(name, course.clone()).with_start(start))
        },
    );
    Drawing::of_close_up("early-hints", &chart)
}

fn token_bucket() -> Drawing {
    let words = "100 calls, all started at once. Each answer says how many remain, and when the quota will be whole \
                 again.";
    let chart = [
        (
            "30 in windows of 6 s",
            Limiter::fixed_window(30, 6 * SECOND),
        ),
        (
            "a bucket of 30 that gains 5 a second",
            Limiter::token_bucket(5, SECOND, 30),
        ),
    ]
    .into_iter()
    .fold(
        CloseUp::new("A window, and a token bucket", words, 20 * SECOND),
        |chart, (name, limiter)| {
            let server = Server::default().limited_by(limiter);
            let course = Course::of(&server, &Load::spike(100), SEED);
            chart.with_scene(Scene::new(name, course))
        },
    );
    Drawing::of_close_up("token-bucket", &chart)
}

fn few_words() -> Drawing {
    let load = Load::spike(1_000);
    let server = Server::default();
    let mut chart = Chart::new(
        "1,000 calls, all started at once, against 300 a minute and 50 in flight, by an API that says more or less \
         of it.",
        server.ideal(&load, SEED).makespan(),
    )
    .with_title("Three servers that say less and less")
    .with_window(MINUTE);
    for (name, headers) in [
        ("limit, remaining and reset", Headers::All),
        ("Retry-After alone", Headers::RetryAfter),
        ("nothing but the 429", Headers::None),
    ] {
        let server = server.clone().with_headers(headers);
        let run = run_client(&server, &load, &Client::Breather, SEED);
        chart = chart.with_track(Track::of_run(name, &run));
    }
    Drawing::of_chart("few-words", &chart)
}

fn bare_bucket() -> Drawing {
    let words = "1,000 calls, all started at once. The API has a bucket of 300 tokens that gains 5 a second.";
    let server = Server::default().limited_by(Limiter::token_bucket(300, MINUTE, 300));
    let course = |headers| {
        Course::of(
            &server.clone().with_headers(headers),
            &Load::spike(1_000),
            SEED,
        )
    };
    let chart = CloseUp::new(
        "A bucket that says little: attempts are spaced",
        words,
        100 * SECOND,
    )
    .with_scene(Scene::new("Retry-After alone", course(Headers::RetryAfter)))
    .with_scene(Scene::new("nothing but the 429", course(Headers::None)));
    Drawing::of_close_up("bare-bucket", &chart)
}

fn processes() -> Drawing {
    let server = Server::default();
    let load = Load::spike(1_000);
    let mut chart = Chart::new(
        "1,000 calls, all started at once, against 300 a minute and 50 in flight, by processes that don't know of \
         one another.",
        server.ideal(&load, SEED).makespan(),
    )
    .with_title("Several processes, one quota")
    .with_window(MINUTE);
    for processes in [1, 4, 10, 100] {
        let load = load.with_processes(processes);
        let run = run_client(&server, &load, &Client::Breather, SEED);
        let name = match processes {
            1 => "1 process".to_owned(),
            processes => format!("{processes} processes"),
        };
        chart = chart.with_track(Track::of_run(name, &run));
    }
    Drawing::of_chart("processes", &chart)
}

fn changing_cap() -> Drawing {
    let words = "5,000 calls, all started at once, against 3,000 a minute, so that the cap is what limits. It changes \
                 after 10 s, and nobody says so.";
    let at = 10 * SECOND;
    let server = Server::default()
        .with_quota(3_000, MINUTE)
        .with_cap_retry_after(None);
    let scene = |name, before, after| {
        let server = server
            .clone()
            .with_cap(Some(before))
            .with_cap_from(at, Some(after));
        let course = Course::of(&server, &Load::spike(5_000), SEED);
        let scene = Scene::new(name, course).with_start(8 * SECOND);
        scene
            .with_cap_from(Duration::ZERO, before)
            .with_cap_from(at, after)
    };
    let chart = CloseUp::new("A cap that changes", words, 12 * SECOND)
        .with_scene(scene("from 40 to 10", 40, 10))
        .with_scene(scene("from 10 to 40", 10, 40));
    Drawing::of_close_up("changing-cap", &chart)
}

fn outage() -> Drawing {
    let load = Load::spike(1_000);
    let server = Server::default();
    let mut chart = Chart::new(
        "1,000 calls, all started at once, against 300 a minute and 50 in flight. From 60 to 70 s, the API answers 503 \
         to everything, or no connection comes about.",
        server.ideal(&load, SEED).makespan(),
    )
    .with_title("Ten seconds of outage")
    .with_window(MINUTE);
    let patient = Policy::new().with_max_retries(10);
    for (name, outage, policy) in [
        ("bare 503", Outage::Unavailable(None), Policy::new()),
        ("no connection", Outage::Lost, Policy::new()),
        ("no connection, 10 retries", Outage::Lost, patient),
    ] {
        let server = server
            .clone()
            .with_outage(MINUTE, MINUTE + 10 * SECOND, outage);
        let run = run_client(&server, &load.with_policy(policy), &Client::Breather, SEED);
        chart = chart.with_track(Track::of_run(name, &run));
    }
    Drawing::of_chart("outage", &chart)
}
