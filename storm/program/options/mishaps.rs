//! The server's faults.

use std::time::Duration;

use breather_sim::{Outage, Server};
use clap::Args;

use super::limits::Limits;
use crate::change::Change;
use crate::number::OrNone;
use crate::spell::Spell;

#[derive(Args, Debug)]
pub(crate) struct Mishaps {
    /// New quota of the first limit from a time on, for example `90:150` (may be repeated)
    #[arg(long, value_name = "SECONDS:N", value_parser = Change::of_quota)]
    quota_change: Vec<Change<u32>>,

    /// New cap, or `none`, from a time on, for example `90:10` (may be repeated)
    #[arg(long, value_name = "SECONDS:N", value_parser = Change::of_cap)]
    cap_change: Vec<Change<OrNone>>,

    /// Time in which the quotas throttle everything although a near reset is stated, for example
    /// `60:65` (may be repeated)
    #[arg(long, value_name = "FROM:UNTIL", value_parser = Spell::closed)]
    closed: Vec<Spell<()>>,

    /// Time in which connections fail, for example `60:70`, or each response is a 503, for example
    /// `60:70:503`, or with `Retry-After: 2`, `60:70:503:2` (may be repeated)
    #[arg(long, value_name = "FROM:UNTIL[:503[:SECONDS]]", value_parser = Spell::outage)]
    outage: Vec<Spell<Outage>>,

    /// Time in which calls take several times as long, for example `60:120:10` (may be repeated)
    #[arg(long, value_name = "FROM:UNTIL:TIMES", value_parser = Spell::brown_out)]
    brown_out: Vec<Spell<f64>>,
}

impl Mishaps {
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), String> {
        limits.expect_quota("--quota-change", !self.quota_change.is_empty())?;
        limits.expect_quota("--closed", !self.closed.is_empty())?;
        // If other users take the whole quota, no call ever succeeds.
        let used = limits.used_by_others();
        let starves = |change: &Change<u32>| used > MOST_USED * f64::from(change.to);
        if self.quota_change.iter().any(starves) {
            let expected = "--quota-change expects a quota of which --others use 0.9 at most";
            return Err(expected.to_owned());
        }
        Ok(())
    }

    /// Applies these faults to a server.
    pub(crate) fn of(&self, mut server: Server) -> Server {
        for change in &self.quota_change {
            server = server.with_quota_from(change.at, change.to.into());
        }
        for change in &self.cap_change {
            server = server.with_cap_from(change.at, change.to.0);
        }
        for spell in &self.closed {
            server = server.with_closed(spell.from, spell.until);
        }
        for spell in &self.outage {
            server = server.with_outage(spell.from, spell.until, spell.what);
        }
        for spell in &self.brown_out {
            server = server.with_brownout(spell.from, spell.until, spell.what);
        }
        server
    }

    /// Returns a short description.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for Change { at, to } in &self.quota_change {
            words.push(format!("a quota of {to} from {} s on", s(*at)));
        }
        for Change { at, to } in &self.cap_change {
            let cap =
                to.0.map_or_else(|| "no cap".to_owned(), |cap| format!("a cap of {cap}"));
            words.push(format!("{cap} from {} s on", s(*at)));
        }
        let spells = self
            .closed
            .iter()
            .map(|it| (it.from, it.until, "closed".to_owned()));
        let outages = self.outage.iter().map(|it| {
            let what = match it.what {
                Outage::Unavailable(None) => "bare 503".to_owned(),
                Outage::Unavailable(Some(after)) => format!("503 with Retry-After: {after}"),
                _ => "no connection".to_owned(),
            };
            (it.from, it.until, what)
        });
        let slow = self.brown_out.iter().map(|it| {
            let what = format!("{} times as slow", it.what);
            (it.from, it.until, what)
        });
        for (from, until, what) in spells.chain(outages).chain(slow) {
            words.push(format!("{what} from {} to {} s", s(from), s(until)));
        }
        words
    }
}

fn s(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// The largest share of a changed quota that other users may take, the same as of the first quota.
const MOST_USED: f64 = 0.9;
