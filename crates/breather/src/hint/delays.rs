//! The headers of a response that state a delay.

use core::cmp::Reverse;
use core::time::Duration;

use super::family::{GRADES, Part};
use super::found::Entry;
use super::time::Now;

/// Returns the header whose delay counts, and the delay.
///
/// The longest counts, or the most exact one of those that differ from it by a rounding. gRPC's pushback counts before all
/// others, and headers of dialects before those without.
pub(super) fn binding<'a: 'e, 'e>(
    entries: impl Iterator<Item = &'e Entry<'a>>,
    now: &Now<'_>,
) -> Option<(&'e Entry<'a>, Duration)> {
    let mut first = None;
    // The longest of each grade.
    let mut longest: [Option<(&Entry<'a>, Duration)>; GRADES] = [None; GRADES];
    for entry in entries.filter(|entry| entry.part().is_delay()) {
        let is_stop = entry.part() == Part::Pushback && entry.is_disputed();
        let Ok(time) = entry.time(now) else {
            continue;
        };
        let rank = (entry.part() != Part::Pushback, entry.rank);
        if is_stop || first.is_some_and(|first| first < rank) {
            continue;
        }
        if first != Some(rank) {
            (first, longest) = (Some(rank), [None; GRADES]);
        }
        let slot = &mut longest[usize::from(entry.part().grade())];
        let key = |entry: &Entry<'a>, delay| (delay, Reverse(entry.order()));
        if slot.is_none_or(|(other, delay)| key(other, delay) < key(entry, time.delay)) {
            *slot = Some((entry, time.delay));
        }
    }
    let latest = longest.iter().flatten().map(|&(_, delay)| delay).max()?;
    let mut exact = longest.into_iter().flatten();
    exact.find(|&(_, delay)| latest - delay < ROUNDING)
}

/// Servers round delays to whole seconds.
const ROUNDING: Duration = Duration::from_secs(1);
