//! Writes a call's span and events with `tracing`. It costs nothing if that feature is off.

#[cfg(feature = "tracing")]
pub(crate) use self::with::CallSpan;
#[cfg(not(feature = "tracing"))]
pub(crate) use self::without::CallSpan;

#[cfg(feature = "tracing")]
mod with {
    use tracing::field::Empty;
    use tracing::{Span, debug, info, info_span, warn};

    use crate::call::EndReason;
    use crate::call::Report;
    use crate::hint::Evidence;
    use crate::shared::observer::EventKind;

    /// The span of a call. It contains all events of the call's attempts.
    #[derive(Clone, Debug)]
    pub(crate) struct CallSpan(Span);

    impl CallSpan {
        pub(crate) fn new(scope: Option<&str>) -> Self {
            Self(info_span!(
                target: "breather",
                "call",
                breather.scope = scope,
                http.request.resend_count = Empty,
                breather.end_reason = Empty,
            ))
        }

        pub(crate) fn is_on(&self) -> bool {
            !self.0.is_disabled()
        }

        pub(crate) fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
            self.0.in_scope(f)
        }

        /// Writes an event. It can include the name of a header, but never its value.
        pub(crate) fn tell(&self, kind: &EventKind<'_>) {
            let span = &self.0;
            match kind {
                EventKind::Queued => debug!(target: "breather", parent: span, "queued"),
                EventKind::Sent { attempt, queued } => debug!(
                    target: "breather",
                    parent: span,
                    {
                        http.request.resend_count = attempt - 1,
                        queued_s = queued.map(|queued| queued.as_secs_f64()),
                    },
                    "sent",
                ),
                EventKind::Answered(outcome) => debug!(
                    target: "breather",
                    parent: span,
                    outcome = %outcome.kind(),
                    reason = outcome.reason(),
                    "answered",
                ),
                EventKind::AnsweredElsewhere => {
                    debug!(target: "breather", parent: span, "answered by another server");
                }
                EventKind::Abandoned => {
                    debug!(target: "breather", parent: span, "dropped in flight");
                }
                EventKind::Held(_) => debug!(target: "breather", parent: span, "scope held"),
                EventKind::Waiting(wait) => info!(
                    target: "breather",
                    parent: span,
                    wait_s = wait.delay().as_secs_f64(),
                    reason = wait.reason().as_str(),
                    header = wait.evidence().map(Evidence::header),
                    "waiting to retry",
                ),
                EventKind::Ended { report, .. } => self.on_end(report),
            }
        }

        fn on_end(&self, report: &Report) {
            let span = &self.0;
            let resends = report.attempts().saturating_sub(1);
            span.record("http.request.resend_count", resends);
            let Some(end) = report.end() else {
                span.record("breather.end_reason", "dropped");
                return;
            };
            let reason = end.reason();
            span.record("breather.end_reason", reason.as_str());
            let waited_s = report.total_wait().as_secs_f64();
            if reason == EndReason::Success {
                debug!(target: "breather", parent: span, waited_s, "succeeded");
            } else {
                warn!(
                    target: "breather",
                    parent: span,
                    {
                        error.type = reason.as_str(),
                        detail = end.detail(),
                        header = end.evidence().map(Evidence::header),
                        throttled = report.throttled(),
                        failures = report.failures(),
                        waited_s,
                    },
                    "gave up",
                );
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod without {
    use crate::shared::observer::EventKind;

    #[derive(Clone, Debug)]
    pub(crate) struct CallSpan;

    #[expect(
        clippy::unused_self,
        reason = "has the methods of the `tracing` version"
    )]
    impl CallSpan {
        pub(crate) const fn new(_: Option<&str>) -> Self {
            Self
        }

        pub(crate) const fn is_on(&self) -> bool {
            false
        }

        pub(crate) fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
            f()
        }

        pub(crate) const fn tell(&self, _: &EventKind<'_>) {}
    }
}
