//! What was understood of a response.

use std::fmt::Write as _;

use breather::{AttemptResult, DefaultClassifier, Hint, OutcomeKind};
use breather::{ClassifyHttp as _, hint::Window};
use serde_json::{Value, json};

/// What was understood of a response.
pub(crate) struct Answer<'h> {
    pub(crate) status: Option<u16>,
    pub(crate) hint: &'h Hint<'h>,
}

impl Answer<'_> {
    /// In words, a figure a line.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        if let Some(status) = self.status {
            // Writing to a string cannot fail.
            let _ = writeln!(words, "status {status}: {}", self.meaning(status));
        }
        let _ = write!(words, "{}", self.hint.explain());
        words
    }

    /// What the status means to a call, beside the hint.
    fn meaning(&self, status: u16) -> String {
        let Ok(status) = http::StatusCode::from_u16(status) else {
            return "no status that is known".to_owned();
        };
        let ending = AttemptResult::new(&http::Method::GET, Ok(status), self.hint);
        let outcome = DefaultClassifier
            .classify(&ending)
            .with_server_advice(self.hint);
        let kind = match outcome.kind() {
            OutcomeKind::Success => "no failure",
            OutcomeKind::Throttled => "a rejection, to be sent again when it may",
            OutcomeKind::Transient => "a failure that may pass",
            OutcomeKind::Pending => "not ready yet",
            _ => "a failure that would repeat itself",
        };
        format!("{kind} ({})", outcome.reason())
    }

    /// As an object, on one line.
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
