//! Serializes reports and snapshots.
//!
//! The code is written by hand, because `serde_core` without derive keeps the dependency tree
//! small.

use core::time::Duration;

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use crate::call::{End, Report, WaitReason};
use crate::hint::Evidence;
use crate::instant::Instant;
use crate::pacer::{Snapshot, StatedLimit};

impl Serialize for Report {
    /// Writes durations in seconds, and the end reason as
    /// [`EndReason::as_str`](crate::EndReason::as_str).
    ///
    /// It writes only the name of the header behind a wait, because the value comes from the
    /// server.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Report", 8)?;
        fields.serialize_field("attempts", &self.attempts())?;
        fields.serialize_field("failures", &self.failures())?;
        fields.serialize_field("throttled", &self.throttled())?;
        fields.serialize_field("answered_elsewhere", &self.answered_elsewhere())?;
        fields.serialize_field("unshared", &self.unshared())?;
        fields.serialize_field("waited_s", &Waited(self))?;
        fields.serialize_field("stated_limits", &Stated(self))?;
        fields.serialize_field("end", &self.end().map(Ended))?;
        fields.end()
    }
}

struct Waited<'r>(&'r Report);

impl Serialize for Waited<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seconds = |reason| self.0.waited(reason).as_secs_f64();
        let mut fields = serializer.serialize_struct("Waited", 3)?;
        for reason in [WaitReason::Backoff, WaitReason::Hint, WaitReason::Pacer] {
            fields.serialize_field(reason.as_str(), &seconds(reason))?;
        }
        fields.end()
    }
}

struct Stated<'r>(&'r Report);

impl Serialize for Stated<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.stated_limits().map(StatedLimit::as_str))
    }
}

struct Ended<'r>(&'r End);

impl Serialize for Ended<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let end = self.0;
        let mut fields = serializer.serialize_struct("End", 4)?;
        fields.serialize_field("reason", end.reason().as_str())?;
        fields.serialize_field("detail", end.detail())?;
        let retry_after = end.retry_after().map(|wait| wait.as_secs_f64());
        fields.serialize_field("retry_after_s", &retry_after)?;
        fields.serialize_field("header", &end.evidence().map(Evidence::header))?;
        fields.end()
    }
}

impl Serialize for Snapshot {
    /// Writes instants as seconds after the snapshot, or 0 if they have passed.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seconds = |at: Option<Instant>| {
            at.map(|at| at.duration_since(self.taken_at()))
                .map(|wait: Duration| wait.as_secs_f64())
        };
        let mut fields = serializer.serialize_struct("Snapshot", 14)?;
        fields.serialize_field("in_flight", &self.in_flight())?;
        fields.serialize_field("queued", &self.queued())?;
        fields.serialize_field("concurrency", &self.concurrency())?;
        fields.serialize_field("cap", &self.cap())?;
        fields.serialize_field("unit", &self.unit().to_string())?;
        fields.serialize_field("limit", &self.limit())?;
        fields.serialize_field("remaining", &self.remaining())?;
        fields.serialize_field("reset_s", &seconds(self.reset()))?;
        fields.serialize_field("held_s", &seconds(self.held_until()))?;
        let reason = self.hold_reason().map(|reason| reason.as_str());
        fields.serialize_field("hold_reason", &reason)?;
        fields.serialize_field("is_probing", &self.is_probing())?;
        fields.serialize_field("opens_s", &seconds(self.opens_at()))?;
        let learned = self.learned_limit();
        fields.serialize_field("learned_limit", &learned.map(|(number, _)| number))?;
        let period = learned.map(|(_, period)| period.as_secs_f64());
        fields.serialize_field("learned_period_s", &period)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::call::{Call, CallSpec, Outcome};
    use crate::hint::{Hint, Window};
    use crate::pacer::{Admission, Pacer, Pacing, WaitLimits};
    use crate::policy::Policy;

    #[test]
    fn report_of_a_throttled_call_names_the_header_only() {
        let now = Instant::from_nanos(1);
        let mut call = Call::new(Policy::new(), CallSpec::new(), 1, now);
        call.on_sent(now);
        let headers: [(&str, &[u8]); 1] = [("retry-after", b"3600")];
        let hint = Hint::read(headers, crate::driver::Moment::new(now));
        let _ = call.on_outcome(now, Outcome::throttled("status 429"), &hint, None);
        assert_eq!(
            serde_json::to_value(call.report()).unwrap(),
            json!({
                "attempts": 1,
                "failures": 0,
                "throttled": 1,
                "answered_elsewhere": 0,
                "unshared": false,
                "waited_s": { "backoff": 0.0, "hint": 0.0, "pacer": 0.0 },
                "stated_limits": [],
                "end": {
                    "reason": "retry_after_too_long",
                    "detail": "status 429",
                    "retry_after_s": 3600.0,
                    "header": "retry-after",
                },
            })
        );
    }

    #[test]
    fn report_of_a_dropped_call_has_no_end() {
        let report = serde_json::to_value(Report::default()).unwrap();
        assert_eq!(report["end"], json!(null));
    }

    #[test]
    fn snapshot_counts_instants_from_snapshot_time() {
        let now = Instant::from_nanos(5_000_000_000);
        let mut pacer = Pacer::new(Pacing::new());
        let ticket = pacer.arrive();
        let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else {
            panic!("expected a permit")
        };
        let spent = Window::new("").with_limit(300).with_remaining(0);
        let hint = Hint::new(now).with_window(spent.with_reset(Duration::from_secs(9)));
        let _ = pacer.on_outcome(now, permit, Outcome::success(), &hint);
        assert_eq!(
            serde_json::to_value(pacer.snapshot()).unwrap(),
            json!({
                "in_flight": 0,
                "queued": 0,
                "concurrency": 30,
                "cap": null,
                "unit": "requests",
                "limit": 300,
                "remaining": 0,
                "reset_s": 9.0,
                "held_s": 9.0,
                "hold_reason": "spent",
                "is_probing": false,
                "opens_s": 9.0,
                "learned_limit": null,
                "learned_period_s": null,
            })
        );
    }
}
