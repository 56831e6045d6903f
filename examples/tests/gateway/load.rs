//! Load tests with many callers that do not know the limits.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use breather_examples::analytics::{InProcess, Options, PATH, Server};
use breather_tower::{
    RetryLayer,
    breather::{Breather, Scopes},
};
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt};

use crate::program::{Program, client};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_see_no_429_through_gateway() {
    rlimit::increase_nofile_limit(4_096).unwrap();
    let calls = CALLERS * CALLS_EACH;
    let quota = QUOTA.get() as usize;

    // One long window, so that the result does not depend on the speed of the callers.
    let window = Duration::from_secs(3_600);
    let server = Server::start(options().with_window(window)).unwrap();
    let directly = load(server.addr()).await;
    let count = |status| directly.iter().filter(|&&it| it == status).count();
    assert_eq!((count(200), count(429)), (quota, calls - quota));
    server.shutdown().await.unwrap();

    let server = Server::start(options()).unwrap();
    let gateway = Program::start(server.addr(), &[]);
    let statuses = load(gateway.addr).await;
    let stats = server.stats();
    assert!(statuses.iter().all(|&status| status == 200), "{statuses:?}");
    assert_eq!(stats.sends - stats.throttled(), calls as u64);
}

/// Tests the gateway's pacing without the gateway, in virtual time.
#[tokio::test(start_paused = true)]
async fn paced_callers_use_whole_windows_in_virtual_time() {
    let api = InProcess::new(&options());
    let service = RetryLayer::new(Breather::default())
        .with_seed(1)
        .box_errors()
        .layer(api.clone());
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let service = service.clone();
        callers.spawn(async move {
            for _ in 0..CALLS_EACH {
                let request = http::Request::get(InProcess::url()).extension(Scopes::from("api"));
                let request = request.body(String::new()).unwrap();
                let response = service.clone().oneshot(request).await.unwrap();
                assert_eq!(response.status(), 200);
            }
        });
    }
    callers.join_all().await;

    let calls = CALLERS * CALLS_EACH;
    let timeline = api.timeline();
    let bins = timeline.bins();
    let last = bins.iter().rposition(|bin| bin.accepted > 0).unwrap();
    let last = timeline.bin_width() * last as u32;
    let windows = 1 + last.as_millis() / WINDOW.as_millis();
    assert_eq!(windows, calls as u128 / u128::from(QUOTA.get()));
    let stats = api.stats();
    assert!(stats.sends <= calls as u64 * 21 / 20, "{stats:?}");
}

/// Returns the statuses that all callers got. Each makes its calls one after another.
async fn load(addr: SocketAddr) -> Vec<u16> {
    let url = format!("http://{addr}{PATH}");
    let client = client();
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
    callers.join_all().await.concat()
}

fn options() -> Options {
    Options::default()
        .with_quota(QUOTA)
        .with_window(WINDOW)
        .with_cap(CAP)
        .with_service_time(Duration::from_millis(10))
}

const CALLERS: usize = 200;
const CALLS_EACH: usize = 3;

/// All calls together use exactly five windows.
const QUOTA: NonZeroU32 = NonZeroU32::new(120).unwrap();
const WINDOW: Duration = Duration::from_secs(1);

/// As many as there are callers, because the server tells a call over the cap to wait for 1 s, a
/// whole window.
const CAP: NonZeroU32 = NonZeroU32::new(200).unwrap();
