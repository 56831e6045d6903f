//! What a call tells `tracing`, with the feature of that name; without, nothing, at no cost.

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

    /// A call's span: all that its attempts say is said in it.
    #[derive(Clone, Debug)]
    pub(crate) struct CallSpan(Span);

    impl CallSpan {
        pub(crate) fn new(scope: Option<&str>) -> Self {
            Self(info_span!(
                target: "breather",
                "call",
                scope,
                http.request.resend_count = Empty,
                end = Empty,
            ))
        }

        pub(crate) fn is_on(&self) -> bool {
            !self.0.is_disabled()
        }

        pub(crate) fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
            self.0.in_scope(f)
        }

        /// A header's name may be said, its value not.
        pub(crate) fn tell(&self, what: &EventKind<'_>) {
            let span = &self.0;
            match what {
                EventKind::Queued => debug!(target: "breather", parent: span, "waits for its turn"),
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
                    debug!(target: "breather", parent: span, "abandoned in flight")
                }
                EventKind::Held(_) => debug!(target: "breather", parent: span, "its scope is held"),
                EventKind::Waiting(wait) => info!(
                    target: "breather",
                    parent: span,
                    wait_s = wait.delay().as_secs_f64(),
                    origin = wait.reason().as_str(),
                    header = wait.evidence().map(Evidence::header),
                    "waits to be sent again",
                ),
                EventKind::Ended { report, .. } => self.over(report),
            }
        }

        fn over(&self, report: &Report) {
            let span = &self.0;
            let resends = report.attempts().saturating_sub(1);
            span.record("http.request.resend_count", resends);
            let Some(end) = report.end() else {
                span.record("stop", "dropped");
                return;
            };
            let reason = end.reason();
            span.record("stop", reason.as_str());
            let waited_s = report.total_wait().as_secs_f64();
            if reason == EndReason::Success {
                debug!(target: "breather", parent: span, waited_s, "succeeded");
            } else {
                warn!(
                    target: "breather",
                    parent: span,
                    end = reason.as_str(),
                    reason = end.detail(),
                    header = end.evidence().map(Evidence::header),
                    rejections = report.throttled(),
                    failures = report.failures(),
                    waited_s,
                    "stopped",
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

    #[expect(clippy::unused_self, reason = "the other one has something in it")]
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
