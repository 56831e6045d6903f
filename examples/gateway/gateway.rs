//! The gateway from its start to its end.

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

/// A gateway that listens.
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
    /// Reads what the options name, and listens.
    pub(crate) async fn bind(options: Options) -> anyhow::Result<Self> {
        let upstream = Upstream::parse(&options.upstream)?;
        let policy = options.policy()?;
        let client = Client::new(&upstream)?;
        let queue = Queue::new(options.queue as usize);
        let ledger = Ledger::default();
        let breather = Breather::builder()
            .with_policy(policy)
            .with_pacing(Pacing::new().with_max_queued(options.queue as usize))
            // Without a label for the scope: what a process has seen of labels it keeps, and tokens come from outside.
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

    /// Serves until one of the signals, and then for as long as calls at the upstream take, up to the time they are given. The
    /// next signal ends that, too.
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
                // There is no file left to open, for one. Those that are open will be closed.
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
                // Its errors are the caller's, who has gone.
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
            // Time for the last answers to go out, whoever does not read them. Most take milliseconds.
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
    // A socket that refuses the option works without it.
    let _ = socket.set_nodelay(true);
    Ok((socket, peer, place))
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // So that a gateway can follow another on its port at once. On Windows the option means something else.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Collects what the handle counts, as text for Prometheus to fetch.
fn prometheus() -> anyhow::Result<PrometheusHandle> {
    let waits = Matcher::Full("breather_wait_duration".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(waits, &WAITS)?
        .install_recorder()?;
    Metrics::new().describe();
    let upkeep = handle.clone();
    // Else what histograms are told piles up until somebody fetches them.
    tokio::spawn(async move {
        let mut ticks = interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// Beside those of calls that wait: calls at the upstream, and connections that are kept open.
const MORE_CONNECTIONS: usize = 4_096;

/// Connections that may wait to be accepted: a thousand callers connect at the same instant.
const BACKLOG: u32 = 4_096;

/// For the head of a request, from its first byte or, on a connection that is kept open, since the last answer.
const HEAD: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

/// More than a machine stands still for.
const LAST: Duration = Duration::from_secs(10);

const UPKEEP: Duration = Duration::from_secs(5);

/// From a turn that comes soon to one in some windows.
const WAITS: [f64; 10] = [0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
