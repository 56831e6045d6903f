//! Starts, runs and stops the gateway.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use anyhow::Context;
use breather::{Breather, Metrics, Pacing};
use breather_examples::gateway::names::Names;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Semaphore, watch},
    time::{interval, sleep, timeout},
};

use crate::{
    client::{BUFFER, Client},
    ledger::Ledger,
    options::Options,
    proxy::Proxy,
    queue::Queue,
    shutdown::{Signals, Stage},
    status::Status,
    upstream::Upstream,
};

/// A gateway that is listening on its port.
#[derive(Debug)]
pub(crate) struct Gateway {
    listener: TcpListener,
    addr: SocketAddr,
    proxy: Proxy,
    status: Arc<Status>,
    connections: Arc<Semaphore>,
    stage: watch::Sender<Stage>,
    grace: Duration,
}

impl Gateway {
    /// Reads the policy file, prepares the client and listens.
    pub(crate) async fn bind(options: Options) -> anyhow::Result<Self> {
        let upstream = Upstream::parse(&options.upstream)?;
        let policy = options.policy()?;
        let client = Client::new(&upstream)?;
        let queue = Queue::new(options.queue as usize);
        let ledger = Ledger::default();
        let breather = Breather::builder()
            .with_policy(policy)
            .with_pacing(Pacing::new().with_max_queued(options.queue as usize))
            // The metrics have no scope label, because a process keeps every label value it has
            // seen and callers choose their tokens.
            .with_observer(Metrics::new())
            .with_observer(ledger.clone())
            .build();
        let (stage, stages) = watch::channel(Stage::Open);
        let connections = options.queue as usize + MORE_CONNECTIONS;
        let connections = Arc::new(Semaphore::new(connections));
        let names = Names::new(upstream.authority(), options.token_header);
        let status = Status::new(
            upstream.clone(),
            breather.clone(),
            ledger,
            queue.clone(),
            stages.clone(),
            prometheus()?,
        );
        let proxy = Proxy::new(
            breather,
            client,
            options.replay_limit as usize,
            upstream,
            names,
            queue,
            stages,
        );
        let listener = listen(options.listen)
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        Ok(Self {
            addr: listener.local_addr()?,
            listener,
            proxy,
            status: Arc::new(status),
            connections,
            stage,
            grace: options.grace,
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until a signal arrives, then lets calls in flight finish.
    ///
    /// Those calls may take until the end of the grace period. A second signal ends it early.
    pub(crate) async fn serve(self, mut signals: Signals) {
        let mut http = http1::Builder::new();
        http.preserve_header_case(true)
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(BUFFER);
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &self.connections) => accepted,
                () = signals.next() => break,
            };
            let Ok((socket, peer, place)) = accepted else {
                // For example, the process has no file descriptor left. Connections that close will
                // free some.
                sleep(PAUSE).await;
                continue;
            };
            let (proxy, status) = (self.proxy.clone(), Arc::clone(&self.status));
            let service = service_fn(move |request| {
                let (proxy, status) = (proxy.clone(), Arc::clone(&status));
                async move {
                    let own = status.reply(&request);
                    Ok::<_, Infallible>(match own {
                        Some(own) => own,
                        None => proxy.forward(request, peer.ip()).await,
                    })
                }
            });
            let connection = http.serve_connection(TokioIo::new(socket), service);
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // An error concerns only this caller, who has gone.
                let _ = connection.await;
                drop(place);
            });
        }
        drop(self.listener);
        let _ = self.stage.send(Stage::Draining);
        let mut drained = pin!(graceful.shutdown());
        let is_drained = tokio::select! {
            () = &mut drained => true,
            () = sleep(self.grace) => false,
            () = signals.next() => false,
        };
        if !is_drained {
            let _ = self.stage.send(Stage::Closing);
            // The last responses mostly take milliseconds. The limit is for callers that do not
            // read them.
            let _ = timeout(LAST, drained).await;
        }
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> anyhow::Result<(
    tokio::net::TcpStream,
    SocketAddr,
    tokio::sync::OwnedSemaphorePermit,
)> {
    let place = Arc::clone(connections).acquire_owned().await?;
    let (socket, peer) = listener.accept().await?;
    // The connection works without this option.
    let _ = socket.set_nodelay(true);
    Ok((socket, peer, place))
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A new gateway can then take over the port of a stopped one immediately. On Windows the option
    // means something else.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Installs a recorder whose metrics Prometheus can fetch as text.
fn prometheus() -> anyhow::Result<PrometheusHandle> {
    let waits = Matcher::Full("breather_wait_duration".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(waits, &WAITS)?
        .install_recorder()?;
    Metrics::new().describe();
    let upkeep = handle.clone();
    // Without upkeep, histogram samples pile up until the next fetch.
    tokio::spawn(async move {
        let mut ticks = interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// Connections beyond those of queued calls, for calls in flight and idle connections.
const MORE_CONNECTIONS: usize = 4_096;

/// Connections that may wait to be accepted, because a thousand callers may connect at once.
const BACKLOG: u32 = 4_096;

/// Limits the time for a request's head.
///
/// It runs from the first byte or, on a connection that is kept open, from the last response.
const HEAD: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

/// Longer than a busy machine is likely to stall.
const LAST: Duration = Duration::from_secs(10);

const UPKEEP: Duration = Duration::from_secs(5);

/// Histogram bounds in seconds, from a very short wait to one of several windows.
const WAITS: [f64; 10] = [0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
