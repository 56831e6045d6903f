//! Faults that last for a part of the run.

use std::time::Duration;

use breather_sim::Outage;

use crate::number::{factor, instant, or_none};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Spell<T> {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    pub(crate) what: T,
}

impl Spell<()> {
    pub(crate) fn closed(text: &str) -> Result<Self, String> {
        Self::parse(text, |rest| rest.is_empty().then_some(()))
            .ok_or_else(|| "expected seconds, from 0 to 86400, and later ones, as 60:65".to_owned())
    }
}

impl Spell<Outage> {
    pub(crate) fn outage(text: &str) -> Result<Self, String> {
        let outage = |rest: &[&str]| match *rest {
            [] => Some(Outage::Lost),
            ["503"] => Some(Outage::Unavailable(None)),
            ["503", after] => {
                let after = or_none(after).ok()?.0?;
                Some(Outage::Unavailable(Some(after.into())))
            }
            _ => None,
        };
        Self::parse(text, outage).ok_or_else(|| {
            "expected seconds, from 0 to 86400, later ones, and perhaps 503 and its Retry-After, \
             as 60:70 or 60:70:503:2"
                .to_owned()
        })
    }
}

impl Spell<f64> {
    pub(crate) fn brown_out(text: &str) -> Result<Self, String> {
        let times = |rest: &[&str]| match *rest {
            [times] => factor(times).ok(),
            _ => None,
        };
        Self::parse(text, times).ok_or_else(|| {
            "expected seconds, from 0 to 86400, later ones, and how many times as slow, from 1 to \
             1000, as 60:120:10"
                .to_owned()
        })
    }
}

impl<T> Spell<T> {
    fn parse(text: &str, what: impl Fn(&[&str]) -> Option<T>) -> Option<Self> {
        let parts: Vec<_> = text.split(':').collect();
        let &[from, until, ref rest @ ..] = parts.as_slice() else {
            return None;
        };
        let (from, until) = (instant(from).ok()?, instant(until).ok()?);
        let what = what(rest)?;
        (from < until).then_some(Self { from, until, what })
    }
}
