//! Output of a hint as text or as JSON.

use std::fmt::Write as _;

use breather::{AttemptResult, DefaultClassifier, Hint, OutcomeKind};
use breather::{ClassifyHttp as _, hint::Window};
use serde_json::{Value, json};

/// A response as breather read it.
pub(crate) struct Answer<'h> {
    pub(crate) status: Option<u16>,
    pub(crate) hint: &'h Hint<'h>,
}

impl Answer<'_> {
    /// Describes the response in text, one value on each line.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        if let Some(status) = self.status {
            // Writing to a string cannot fail.
            let _ = writeln!(words, "status {status}: {}", self.meaning(status));
        }
        let _ = write!(words, "{}", self.hint.explain());
        words
    }

    /// Describes the outcome of a call that gets this status and hint.
    fn meaning(&self, status: u16) -> String {
        let Ok(status) = http::StatusCode::from_u16(status) else {
            return "not a valid status".to_owned();
        };
        let ending = AttemptResult::new(&http::Method::GET, Ok(status), self.hint);
        let outcome = DefaultClassifier
            .classify(&ending)
            .with_server_advice(self.hint);
        let kind = match outcome.kind() {
            OutcomeKind::Success => "success",
            OutcomeKind::Throttled => "throttled",
            OutcomeKind::Transient => "transient failure",
            OutcomeKind::Pending => "not ready yet",
            _ => "permanent failure",
        };
        format!("{kind} ({})", outcome.reason())
    }

    /// Returns the response as a JSON object.
    pub(crate) fn json(&self) -> Value {
        let hint = self.hint;
        let wait = hint
            .not_before()
            .map(|at| at.duration_since(hint.received()));
        let windows: Vec<_> = hint.windows().map(window).collect();
        let read = hint.readings().map(|reading| {
            json!({
                "header": reading.header(),
                "value": lossy(reading.value()),
                "as": reading.to_string(),
            })
        });
        let ignored = hint.ignored().map(|ignored| {
            json!({
                "header": ignored.header(),
                "value": lossy(ignored.value()),
                "why": ignored.why().to_string(),
            })
        });
        json!({
            "not_before_s": wait.map(|wait| wait.as_secs_f64()),
            "windows": windows,
            "retry": hint.retry(),
            "read": read.collect::<Vec<_>>(),
            "ignored": ignored.collect::<Vec<_>>(),
        })
    }
}

fn window(window: &Window<'_>) -> Value {
    json!({
        "name": window.name(),
        "limit": window.limit(),
        "remaining": window.remaining(),
        "reset_s": window.reset().map(|reset| reset.as_secs_f64()),
        "window_s": window.length().map(|length| length.as_secs_f64()),
        "unit": window.unit().to_string(),
    })
}

fn lossy(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
