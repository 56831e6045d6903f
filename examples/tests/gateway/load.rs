//! The case that it is made for.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use breather_examples::analytics::{Options, PATH, Server};
use tokio::task::JoinSet;

use crate::program::{Program, client};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_know_nothing_of_limits_see_none() {
    rlimit::increase_nofile_limit(4_096).unwrap();
    let options = Options::default()
        .with_quota(QUOTA)
        .with_window(WINDOW)
        .with_cap(CAP)
        .with_service_time(Duration::from_millis(10));

    let server = Server::start(options).unwrap();
    let (directly, _) = load(server.addr()).await;
    let refused = directly.iter().filter(|&&status| status == 429).count();
    assert!(
        2 * refused >= directly.len(),
        "{refused} of {}",
        directly.len()
    );
    server.shutdown().await.unwrap();

    let server = Server::start(options).unwrap();
    let gateway = Program::start(server.addr(), &[]);
    let (statuses, took) = load(gateway.addr).await;
    let stats = server.stats();
    println!("{took:?}, {stats:?}");
    assert!(statuses.iter().all(|&status| status == 200), "{statuses:?}");

    // Of windows and not of time: the machine may be busy with other tests.
    let calls = CALLERS * CALLS_EACH;
    let timeline = server.timeline();
    let last = timeline
        .bins()
        .iter()
        .rposition(|bin| bin.accepted > 0)
        .unwrap();
    let last = timeline.bin_width() * last as u32;
    let windows = 1 + last.as_millis() / WINDOW.as_millis();
    let used = calls as f64 / (windows as f64 * f64::from(QUOTA.get()));
    println!("{used:.3} of the quota of {windows} windows were used");
    assert!(used >= 0.95, "{used:.3} of what the quota permits");
    assert!(stats.sends <= calls as u64 * 3 / 2, "{stats:?}");
}

/// All callers at once, each of which makes one call after the other, once; and how long that took.
async fn load(addr: std::net::SocketAddr) -> (Vec<u16>, Duration) {
    let url = format!("http://{addr}{PATH}");
    let client = client();
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (client, url) = (client.clone(), url.clone());
        callers.spawn(async move {
            let mut statuses = Vec::new();
            for _ in 0..CALLS_EACH {
                let response = client.get(&url).send().await.unwrap();
                statuses.push(response.status().as_u16());
                response.bytes().await.unwrap();
            }
            statuses
        });
    }
    let statuses = callers.join_all().await.concat();
    (statuses, start.elapsed())
}

const CALLERS: usize = 200;
const CALLS_EACH: usize = 3;

/// All of five windows, for all calls.
const QUOTA: NonZeroU32 = NonZeroU32::new(120).unwrap();
const WINDOW: Duration = Duration::from_secs(2);

/// More than are ever in flight: whoever is refused for the cap is told to wait for a half of such a window.
const CAP: NonZeroU32 = NonZeroU32::new(200).unwrap();
