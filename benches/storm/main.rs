//! Compares how clients of a rate-limited API storm it, and when they finish:
//! `cargo bench --bench storm`.
//!
//! The simulator plays the actual policies of other crates, and breather's, against the same
//! servers. Time is virtual, there is no network, and the n-th accepted call takes the same time,
//! whichever client makes it. The bench asks each crate for its decisions: how long to wait,
//! whether to give up, whether a permit is free. If a crate leaves a decision to you, such as the
//! statuses to retry, the bench follows the crate's documentation. The AWS SDKs' adaptive mode is a
//! part of their clients, so the simulator follows the published rules.
//!
//! All callers start at once. The table shows medians of five seeds. reqwest-retry can't be given a
//! seed, so its row moves a little from run to run. The other rows never move.

use std::time::Duration;

use breather_sim::{Client, Headers, Ideal, Limiter, Load, Run, Server, run_client};

mod peers;

fn main() {
    let columns = columns();
    let clients = clients();
    let names = clients.iter().map(Client::name);
    let width = names
        .map(|name| name.chars().count())
        .max()
        .unwrap_or_default();
    for line in 0..2 {
        let headings = columns.iter().map(|column| column.name[line]);
        print_line("", width, headings.map(str::to_owned));
    }
    let calls = columns
        .iter()
        .map(|column| format!("{} calls", column.calls));
    print_line("", width, calls);
    for client in &clients {
        let cells = columns.iter().map(|column| column.cell(client));
        print_line(&client.name(), width, cells);
    }
    println!("{NOTES}");
}

fn print_line(first: &str, width: usize, cells: impl Iterator<Item = String>) {
    let cells: Vec<_> = cells.map(|cell| format!("{cell:>COLUMN$}")).collect();
    println!("{first:width$} {}", cells.join(" "));
}

/// A server, and the number of callers that start at once.
struct Column {
    name: [&'static str; 2],
    server: Server,
    calls: usize,
    ideals: Vec<Ideal>,
}

impl Column {
    fn new(name: [&'static str; 2], server: Server, calls: usize) -> Self {
        let load = Load::spike(calls);
        let ideals = (1..=SEEDS).map(|seed| server.ideal(&load, seed)).collect();
        Self {
            name,
            server,
            calls,
            ideals,
        }
    }

    fn cell(&self, client: &Client) -> String {
        let load = Load::spike(self.calls);
        let play = |seed| run_client(&self.server, &load, client, seed);
        let runs: Vec<_> = (1..=SEEDS).map(play).collect();
        let ok = median(runs.iter().map(|run| run.ok() as f64)) / self.calls as f64;
        let sends = median(runs.iter().map(Run::sends_per_call));
        if ok < 1.0 {
            // The cap avoids showing 100 % if some calls failed.
            let percent = (ok * 100.0).min(99.0);
            return format!("{percent:.0} % / {sends:.2}");
        }
        let over = runs.iter().zip(&self.ideals);
        let makespan =
            median(over.map(|(run, ideal)| run.makespan().div_duration_f64(ideal.makespan())));
        format!("{makespan:.2} / {sends:.2}")
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn columns() -> Vec<Column> {
    let minute = Duration::from_secs(60);
    let server = Server::default;
    let short = || server().with_cap_retry_after(None);
    let limited = |limiter| server().limited_by(limiter);
    vec![
        Column::new(["fixed", "window"], server(), 1_000),
        Column::new(["fixed", "window"], server(), 5_000),
        Column::new(["less than", "a window"], short(), 50),
        Column::new(["less than", "a window"], short(), 200),
        Column::new(
            ["sliding", "log"],
            limited(Limiter::sliding_log(300, minute)),
            1_000,
        ),
        Column::new(
            ["token", "bucket"],
            limited(Limiter::token_bucket(300, minute, 300)),
            1_000,
        ),
        Column::new(["no", "cap"], server().with_cap(None), 1_000),
        Column::new(
            ["Retry-After", "alone"],
            server().with_headers(Headers::RetryAfter),
            1_000,
        ),
        Column::new(
            ["nothing but", "the 429"],
            server().with_headers(Headers::None),
            1_000,
        ),
    ]
}

fn clients() -> Vec<Client> {
    vec![
        Client::Loop,
        Client::LoopCapped,
        Client::RetryAfter,
        Client::RetryAfterJittered,
        Client::FullJitter,
        peers::reqwest_retry(),
        peers::backon(),
        peers::tower_without_budget(),
        peers::tower(),
        peers::tower_resilience(),
        peers::aws_adaptive(),
        peers::aws_adaptive_without_quota(),
        peers::governor(),
        Client::Unpaced,
        Client::Breather,
    ]
}

const SEEDS: u64 = 5;
const COLUMN: usize = 13;

const NOTES: &str = "
Each cell: the time until all calls have succeeded, over that of the ideal schedule / sends
per call. Where some calls never succeed, the share of those that do stands in the place of
the time. 1.00 / 1.00 is the best. The ideal knows quota, cap and service times beforehand.

The server accepts 300 calls per 60 s, and 50 in flight, which take about 200 ms each; in
\"less than a window\" it sends no Retry-After when too many are in flight. Whatever can
be set is each crate's default, but for retries (10 where the default is 3 or has to be
chosen), governor's quota, which is the server's: it was told, and free retries, which an
AWS client would pay from a quota of its own.";
