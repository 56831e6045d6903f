//! The headers of a response that state a delay.

use core::cmp::Reverse;
use core::time::Duration;

use super::family::Part;
use super::found::Entry;
use super::time::Now;

/// Returns the header whose delay counts, and the delay.
///
/// The longest counts, or the most exact one of those that differ from it by a rounding. gRPC's pushback counts before all
/// others, and headers of dialects before those without.
pub(super) fn binding<'a: 'e, 'e>(
    entries: impl Iterator<Item = &'e Entry<'a>> + Clone,
    now: &Now<'_>,
) -> Option<(&'e Entry<'a>, Duration)> {
    let delays = entries.filter_map(|entry| {
        let is_stop = entry.part() == Part::Pushback && entry.is_disputed();
        let counts = entry.part().is_delay() && !is_stop;
        let time = counts.then(|| entry.time(now))?;
        Some((entry, time.ok()?.delay))
    });
    let rank = |entry: &Entry<'_>| (entry.rank, entry.part() != Part::Pushback);
    let first = delays.clone().map(|(entry, _)| rank(entry)).min()?;
    let delays = delays.filter(|(entry, _)| rank(entry) == first);
    let longest = delays.clone().map(|(_, delay)| delay).max()?;
    let same = delays.filter(|&(_, delay)| longest - delay < ROUNDING);
    same.min_by_key(|&(entry, delay)| (entry.exactness(), Reverse(delay), entry.order()))
}

/// Servers round delays to whole seconds.
const ROUNDING: Duration = Duration::from_secs(1);
