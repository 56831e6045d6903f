//! Forwards calls to the upstream.

use std::{future::poll_fn, net::IpAddr, pin::pin, task::Poll, time::Duration};

use breather::{Breather, Redirects, ReportSlot, Scopes, driver::Timer};
use breather_examples::gateway::{headers, names::Names};
use breather_tokio::TokioTimer;
use breather_tower::{BoxError, BoxErrors, Http, Replay, Retry, RetryLayer};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header::VIA};
use http_body_util::Either;
use hyper::body::{Body, Incoming};
use tokio::sync::watch;
use tower::{Layer, ServiceExt};

use crate::{
    answer::{Failure, Reply, add_report},
    client::Client,
    queue::Queue,
    shutdown::Stage,
    turn::Turn,
    upload::Upload,
    upstream::Upstream,
};

/// Forwards each call to the upstream when its scope permits.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    breather: Breather,
    service: Retry<BoxErrors<Client>, Http, Replay>,
    upstream: Upstream,
    names: Names,
    queue: Queue,
    stage: watch::Receiver<Stage>,
    /// The gateway's name in `Via`, random for each process so that it recognizes a loop.
    via: HeaderValue,
}

/// How a call ended.
enum Ended {
    Over(Result<Response<Incoming>, BoxError>),
    QueueFull,
    Draining,
    Closing,
}

impl Proxy {
    pub(crate) fn new(
        breather: Breather,
        client: Client,
        replay_limit: usize,
        upstream: Upstream,
        names: Names,
        queue: Queue,
        stage: watch::Receiver<Stage>,
    ) -> Self {
        // The gateway's clients follow redirects themselves.
        let layer = RetryLayer::new(breather.clone())
            .with_redirects(Redirects::Never)
            .replay(replay_limit);
        let via = format!("1.1 breather-{:08x}", rand::random::<u32>());
        Self {
            breather,
            service: layer.box_errors().layer(client),
            upstream,
            names,
            queue,
            stage,
            via: via
                .parse()
                .expect("the name has only characters that are valid in a header"),
        }
    }

    /// Forwards a request from `peer` and returns the response to it.
    pub(crate) async fn forward(&self, request: Request<Incoming>, peer: IpAddr) -> Reply {
        let (mut request, scope) = match self.outgoing(request, peer) {
            Ok(outgoing) => outgoing,
            Err(failure) => return failure.reply(),
        };
        let (slot, turn) = (ReportSlot::new(), Turn::default());
        let extensions = request.extensions_mut();
        extensions.insert(Scopes::from(&scope));
        extensions.insert(slot.clone());
        extensions.insert(turn.clone());

        let ended = self.call(request, &turn).await;
        // The report exists because the call has ended or was dropped.
        let report = slot.report().unwrap_or_default();
        let mut reply = match ended {
            Ended::Over(Ok(response)) => self.incoming(response),
            Ended::Over(Err(error)) => {
                Failure::of(&error, &report, &turn, self.held(&scope)).reply()
            }
            Ended::QueueFull => Failure::queue_full(self.held(&scope)).reply(),
            Ended::Draining => Failure::draining(self.held(&scope)).reply(),
            Ended::Closing => Failure::closing().reply(),
        };
        add_report(&mut reply, &report);
        reply
    }

    /// Returns the request for the upstream and the name of its scope.
    fn outgoing(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
    ) -> Result<(Request<Upload>, String), Failure> {
        let mut request = Upload::of(request);
        if request.method() == Method::CONNECT {
            let message = "this is a gateway to one upstream, and no proxy to others";
            return Err(Failure::new(
                StatusCode::NOT_IMPLEMENTED,
                "connect",
                message,
            ));
        }
        if headers::has_passed(request.headers(), &self.via) {
            let message = "the upstream leads back to this gateway";
            return Err(Failure::new(StatusCode::LOOP_DETECTED, "loop", message));
        }
        let Some(uri) = self.upstream.uri(request.uri()) else {
            let message = "the target is not valid for the upstream";
            return Err(Failure::new(StatusCode::BAD_REQUEST, "target", message));
        };
        *request.uri_mut() = uri;
        // The caller's HTTP version applies only to its own connection.
        *request.version_mut() = Version::HTTP_11;
        let body = request.body();
        let has_unknown_length = !body.is_end_stream() && body.size_hint().exact().is_none();
        let headers = request.headers_mut();
        let wants_trailers = headers::wants_trailers(headers);
        headers::remove_hop_by_hop(headers);
        if has_unknown_length {
            headers::send_in_chunks(headers);
        }
        if wants_trailers {
            headers::ask_for_trailers(headers);
        }
        headers::forwarded(headers, peer, &self.via);
        let scope = self.names.scope(headers);
        Ok((request, scope))
    }

    fn incoming(&self, mut response: Response<Incoming>) -> Reply {
        *response.version_mut() = Version::HTTP_11;
        headers::remove_hop_by_hop(response.headers_mut());
        response.headers_mut().append(VIA, self.via.clone());
        response.map(Either::Left)
    }

    /// Makes the call, or ends it if it would have to wait and the queue is full.
    ///
    /// When the gateway stops, a queued call ends immediately. A call in flight ends at the end of
    /// the grace period.
    async fn call(&self, request: Request<Upload>, turn: &Turn) -> Ended {
        let mut call = pin!(self.service.clone().oneshot(request));
        let mut stages = self.stage.clone();
        let (mut place, mut was_sent) = (None, false);
        loop {
            let stage = *stages.borrow_and_update();
            if stage > Stage::Open && !turn.is_in_flight() {
                return Ended::Draining;
            }
            if stage == Stage::Closing {
                return Ended::Closing;
            }
            let over = poll_fn(|cx| {
                if let Poll::Ready(result) = call.as_mut().poll(cx) {
                    return Poll::Ready(Ended::Over(result));
                }
                if turn.is_in_flight() {
                    was_sent = true;
                    place = None;
                } else if stage > Stage::Open {
                    return Poll::Ready(Ended::Draining);
                } else if was_sent {
                    place.get_or_insert_with(|| self.queue.return_to());
                } else if place.is_none() {
                    place = self.queue.enter();
                    if place.is_none() {
                        return Poll::Ready(Ended::QueueFull);
                    }
                }
                Poll::Pending
            });
            tokio::select! {
                biased;
                over = over => return over,
                changed = stages.changed() => {
                    if changed.is_err() {
                        return Ended::Closing;
                    }
                }
            }
        }
    }

    /// Returns the time for which `scope` is known to be on hold.
    fn held(&self, scope: &str) -> Duration {
        let until = self
            .breather
            .snapshot(scope)
            .and_then(|scope| match scope.held_until() {
                None if scope.remaining() == Some(0) => scope.reset(),
                held => held,
            });
        until.map_or(Duration::ZERO, |until| {
            until.duration_since(TokioTimer.now())
        })
    }
}
