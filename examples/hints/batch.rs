//! Reads responses as lines of JSON.

use anyhow::ensure;
use breather::driver::UnixTime;
use serde::Deserialize;

use crate::STATUSES;
use crate::head::{Head, named};

/// A response as a line of JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    status: Option<u16>,
    now: Option<String>,
    headers: Vec<(String, String)>,
}

impl Line {
    pub(crate) fn head(&self) -> anyhow::Result<Head> {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| named(name.as_bytes(), value.as_bytes()));
        let is_status = self.status.is_none_or(|status| STATUSES.contains(&status));
        ensure!(is_status, "a status has three digits");
        Ok(Head {
            status: self.status,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the wall-clock time of the line, if it has one.
    pub(crate) fn now(&self) -> anyhow::Result<Option<UnixTime>> {
        self.now.as_deref().map(crate::time).transpose()
    }
}
