//! Settings that change during a run.

use std::time::Duration;

use crate::number::{OrNone, count, instant, places};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Change<T> {
    pub(crate) at: Duration,
    pub(crate) to: T,
}

impl Change<u32> {
    pub(crate) fn of_quota(text: &str) -> Result<Self, String> {
        Self::parse(text, count).ok_or_else(|| {
            "expected seconds, from 0 to 86400, and a quota from 1 on, as 90:150".to_owned()
        })
    }
}

impl Change<OrNone> {
    pub(crate) fn of_cap(text: &str) -> Result<Self, String> {
        Self::parse(text, places).ok_or_else(|| {
            "expected seconds, from 0 to 86400, and a cap from 1 on or `none`, as 90:10".to_owned()
        })
    }
}

impl<T> Change<T> {
    fn parse(text: &str, value: impl Fn(&str) -> Result<T, String>) -> Option<Self> {
        let (at, to) = text.split_once(':')?;
        Some(Self {
            at: instant(at).ok()?,
            to: value(to).ok()?,
        })
    }
}
