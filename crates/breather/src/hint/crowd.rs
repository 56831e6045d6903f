//! Responses with more headers than a hint keeps.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use super::assembly::{strictness_of, verdict_of};
use super::columns::Columns;
use super::compound::{pairs, resources, usages};
use super::delays::binding;
use super::draft::named_window;
use super::family::Part;
use super::figure::window_of;
use super::found::{Dispute, Entry, Found};
use super::members::Members;
use super::sizes::MAX_WINDOWS;
use super::structured::{Item, list};
use super::time::{Now, Reach};
use super::window::{Strictness, Window};

/// Collects the headers of a response with more of them than a hint keeps, and selects those that count.
///
/// The longest delay, spent windows and a verdict not to retry count wherever they stand.
/// The response's `Date` decides whether a delay is longer than a date, and it may come last. Until then the crowd keeps
/// the longest delay, the latest date and the latest epochs of each header.
pub(super) struct Crowd<'a> {
    /// At most [`MOST`]. On the heap, because a header must not be able to overflow a small stack.
    members: Vec<Option<Member<'a>>>,
    /// One of the headers that do not count. The order of the lines does not decide which one.
    left_out: Option<Entry<'a>>,
}

#[derive(Clone, Copy)]
struct Member<'a> {
    entry: Entry<'a>,
    weight: Weight,
}

/// How the crowd compares a header with others of its kind.
#[derive(Clone, Copy)]
enum Weight {
    /// It keeps one of each header.
    None,
    /// The header states a delay or a reset.
    Reach(Reach),
    /// The line names windows, and this is the strictest.
    Line(Strictness),
    /// The line is a dictionary of draft -07, which tells of its family's window.
    Dictionary(Strictness),
}

impl<'a> Crowd<'a> {
    pub(super) const fn new() -> Self {
        Self {
            members: Vec::new(),
            left_out: None,
        }
    }

    /// Adds a header. If it has too many of a kind, it drops one that cannot count.
    pub(super) fn push(&mut self, entry: Entry<'a>) {
        let is_it = |it: &Entry<'_>| it.is_same_header(&entry) && it.value == entry.value;
        if self.entries().any(is_it) {
            return;
        }
        match entry.part() {
            Part::Delay(_) | Part::Reset(_) => self.push_time(entry),
            Part::RateLimit | Part::Pairs | Part::Usages | Part::Resources => self.push_line(entry),
            Part::Policy => self.push_policy(entry),
            Part::Remark | Part::Unknown => self.leave_out(entry),
            Part::Verdict => self.push_one(entry, |it| match verdict_of(it.value) {
                Ok(false) => 2,
                Ok(true) => 1,
                Err(_) => 0,
            }),
            // Two that disagree are ambiguous, so one of them is enough.
            _ => self.push_one(entry, |_| 0),
        }
    }

    /// Keeps the line of a header with the highest key.
    fn push_one(&mut self, mut entry: Entry<'a>, key: impl Fn(&Entry<'a>) -> u8) {
        let mut members = self.members.iter_mut().flatten();
        let Some(other) = members.find(|it| it.entry.is_same_header(&entry)) else {
            return self.add(entry, Weight::None);
        };
        let other = &mut other.entry;
        other.on_dispute();
        entry.on_dispute();
        if (key(other), other.value) < (key(&entry), entry.value) {
            core::mem::swap(other, &mut entry);
        }
        self.leave_out(entry);
    }

    /// Keeps the lines of a header that ask for the longest waits.
    fn push_time(&mut self, mut entry: Entry<'a>) {
        let mut places = [0; SAME];
        let mut same = 0;
        for at in 0..self.members.len() {
            let Some(Member { entry: other, .. }) = &mut self.members[at] else {
                continue;
            };
            if other.is_same_header(&entry) {
                other.on_dispute();
                entry.on_dispute();
                places[same] = at;
                same += 1;
            }
        }
        let reach = entry.reach();
        if same < SAME {
            return self.add(entry, Weight::Reach(reach));
        }
        let mut all = [(entry, reach); SAME + 1];
        for (slot, at) in all.iter_mut().zip(places) {
            if let Some(Member {
                entry,
                weight: Weight::Reach(reach),
            }) = self.members[at]
            {
                *slot = (entry, reach);
            }
        }
        let one = shortest(&mut all);
        for (at, slot) in places
            .into_iter()
            .zip((0..all.len()).filter(|&it| it != one))
        {
            let (entry, reach) = all[slot];
            self.members[at] = Some(Member {
                entry,
                weight: Weight::Reach(reach),
            });
        }
        self.leave_out(all[one].0);
    }

    /// Keeps the lines with the strictest windows.
    ///
    /// A hint keeps eight windows. The eight strictest are on the eight lines with the strictest windows, because each
    /// of them is on a line that is at least as strict.
    fn push_line(&mut self, entry: Entry<'a>) {
        let Some(own) = strictest(&entry) else {
            return self.leave_out(entry);
        };
        let weight = match entry.is_dictionary() {
            true => Weight::Dictionary(own),
            false => Weight::Line(own),
        };
        let lines = self.members.iter().enumerate();
        let lines = lines.filter_map(|(at, member)| match (member.as_ref()?.weight, weight) {
            (Weight::Line(strictness), Weight::Line(_))
            | (Weight::Dictionary(strictness), Weight::Dictionary(_)) => {
                Some((strictness, Reverse(at)))
            }
            _ => None,
        });
        let (count, least) = (lines.clone().count(), lines.min());
        match least {
            Some((least, _)) if count >= MAX_WINDOWS && own <= least => self.leave_out(entry),
            Some((_, Reverse(at))) if count >= MAX_WINDOWS => {
                if let Some(Member { entry: other, .. }) = self.members[at] {
                    self.leave_out(other);
                }
                // The lines of a structured field keep their order.
                self.members.remove(at);
                self.add(entry, weight);
            }
            _ => self.add(entry, weight),
        }
    }

    /// Returns whether there is room for a header that is not listed. If there are too many, those whose names come first
    /// stay, so that the order of the lines does not decide.
    fn has_room_for_unlisted(&mut self, entry: &Entry<'a>) -> bool {
        let unlisted = self.members.iter().enumerate().filter_map(|(at, member)| {
            let other = &member.as_ref()?.entry;
            (!other.is_listed()).then(|| (other.order(), at))
        });
        if unlisted.clone().count() < UNLISTED {
            return true;
        }
        let Some((last, at)) = unlisted.max() else {
            return false;
        };
        if last <= entry.order() {
            return false;
        }
        if let Some(Member { entry: other, .. }) = self.members.remove(at) {
            self.leave_out(other);
        }
        true
    }

    /// Keeps the first few policies. A policy alone never asks for a wait.
    fn push_policy(&mut self, entry: Entry<'a>) {
        let policies = self.entries().filter(|it| it.part() == Part::Policy);
        if policies.count() < MAX_WINDOWS {
            self.add(entry, Weight::None);
        } else {
            self.leave_out(entry);
        }
    }

    fn add(&mut self, entry: Entry<'a>, weight: Weight) {
        if !entry.is_listed() && !self.has_room_for_unlisted(&entry) {
            return self.leave_out(entry);
        }
        if self.members.len() < MOST {
            self.members.push(Some(Member { entry, weight }));
        } else {
            self.leave_out(entry);
        }
    }

    fn leave_out(&mut self, entry: Entry<'a>) {
        let key = |it: &Entry<'a>| (it.order(), it.value);
        let is_known = |it: &Entry<'a>| key(it) >= key(&entry);
        if !self.left_out.as_ref().is_some_and(is_known) {
            self.left_out = Some(entry);
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Entry<'a>> + Clone {
        let members = self.members.iter().flatten();
        members.map(|member| &member.entry)
    }

    /// Selects the headers that count, after the last line.
    pub(super) fn settle(&mut self, now: &Now<'_>) -> Found<'a> {
        let mut found = Found::new();
        self.settle_times(now);
        self.move_orders(&mut found, now);
        self.move_windows(&mut found, now);
        for at in 0..self.members.len() {
            if let Some(Member { entry, .. }) = self.members[at] {
                self.leave_out(entry);
            }
        }
        if let Some(entry) = &self.left_out {
            found.leave_out(entry);
        }
        found
    }

    /// Keeps the longest line of each header that states a delay or a reset.
    fn settle_times(&mut self, now: &Now<'_>) {
        for at in 0..self.members.len() {
            for other in at + 1..self.members.len() {
                let (Some(one), Some(two)) = (self.members[at], self.members[other]) else {
                    continue;
                };
                let (Weight::Reach(reach), Weight::Reach(others)) = (one.weight, two.weight) else {
                    continue;
                };
                if !one.entry.is_same_header(&two.entry) {
                    continue;
                }
                // If neither asks for a wait, the same one stays in any order of the lines.
                let key = |entry: &Entry<'a>, reach: Reach| {
                    (delay_of(entry, now), reach.axes, entry.value)
                };
                let is_longer = key(&one.entry, reach) > key(&two.entry, others);
                let (longer, shorter) = if is_longer { (one, two) } else { (two, one) };
                (self.members[at], self.members[other]) = (Some(longer), None);
                self.leave_out(shorter.entry);
            }
        }
    }

    /// Moves the delay that counts, pushbacks and verdicts to `found`, and a few other delays.
    fn move_orders(&mut self, found: &mut Found<'a>, now: &Now<'_>) {
        let binding = self.binding_delay(now);
        for _ in 0..ORDERS {
            let orders = self.members.iter().enumerate().filter_map(|(at, member)| {
                let entry = &member.as_ref()?.entry;
                let counts = match entry.part() {
                    Part::Verdict | Part::Pushback => true,
                    part if part.is_delay() => Some(at) == binding,
                    _ => return None,
                };
                Some(((Reverse(counts), entry.order()), at))
            });
            match orders.min() {
                Some((_, at)) => self.move_to(found, at),
                None => break,
            }
        }
    }

    /// Returns the place of the delay that counts.
    fn binding_delay(&self, now: &Now<'_>) -> Option<usize> {
        let (binding, _) = binding(self.entries(), now)?;
        let is_it = |member: &Option<Member<'a>>| {
            let entry = member.as_ref().map(|member| &member.entry);
            entry.is_some_and(|entry| core::ptr::eq(entry, binding))
        };
        self.members.iter().position(is_it)
    }

    /// Moves the strictest windows to `found`, each with all of its headers, and policies to the rest of the room.
    fn move_windows(&mut self, found: &mut Found<'a>, now: &Now<'_>) {
        let all = 0..self.members.len();
        let mut windows: Vec<_> = all.clone().map(|at| self.strictness(at, now)).collect();
        let mut counts = vec![false; windows.len()];
        let (mut room, mut kept) = (found.room(), 0);
        while kept < MAX_WINDOWS {
            let rest = windows.iter().enumerate();
            let rest = rest.filter_map(|(at, window)| {
                let entry = &self.members[at].as_ref()?.entry;
                Some((((*window)?, Reverse(entry.order())), at))
            });
            let Some((_, at)) = rest.max_by_key(|&(key, at)| (key, Reverse(at))) else {
                break;
            };
            windows[at] = None;
            let tells = |&it: &usize| it == at || self.is_same_window(at, it);
            let headers = all.clone().filter(tells).count();
            // The strictest window stays even if only some of its headers fit. No known family has so many.
            if headers > room && kept > 0 {
                continue;
            }
            kept += 1;
            for it in all.clone().filter(tells).take(room) {
                counts[it] = true;
            }
            room -= headers.min(room);
        }
        let is_policy = |&it: &usize| {
            let member = self.members[it].as_ref();
            member.is_some_and(|member| member.entry.part() == Part::Policy)
        };
        let policies = all.clone().filter(is_policy).take(room);
        policies.for_each(|it| counts[it] = true);
        // The lines of a structured field keep their order.
        for at in all.filter(|&it| counts[it]) {
            self.move_to(found, at);
        }
    }

    /// Returns how strict a window is, if the header at `at` is the first of its headers.
    fn strictness(&self, at: usize, now: &Now<'_>) -> Option<Strictness> {
        let member = self.members[at].as_ref()?;
        if member.tells_of_family() {
            let is_first = !(0..at).any(|it| self.is_same_window(at, it));
            if !is_first {
                return None;
            }
            let subject = member.entry.window;
            if let Some(columns) = Columns::of(self.entries(), subject) {
                return columns.windows().map(strictness_of).max();
            }
            let window = window_of(&subject, self.entries(), now);
            return window.is_known().then(|| window.strictness());
        }
        match member.weight {
            Weight::Line(strictness) => Some(strictness),
            Weight::None | Weight::Reach(_) | Weight::Dictionary(_) => None,
        }
    }

    /// Whether both headers tell of the same family's window.
    fn is_same_window(&self, one: usize, other: usize) -> bool {
        match (&self.members[one], &self.members[other]) {
            (Some(one), Some(other)) => {
                one.tells_of_family()
                    && other.tells_of_family()
                    && one.entry.is_of(&other.entry.window)
            }
            _ => false,
        }
    }

    fn move_to(&mut self, found: &mut Found<'a>, at: usize) {
        if let Some(Member { entry, .. }) = self.members[at].take() {
            found.push_with_care(entry);
        }
    }
}

impl Member<'_> {
    /// Whether it tells of its family's window.
    fn tells_of_family(&self) -> bool {
        self.entry.part().is_figure() || matches!(self.weight, Weight::Dictionary(_))
    }
}

fn delay_of(entry: &Entry<'_>, now: &Now<'_>) -> Option<Duration> {
    let time = entry.time(now).ok()?;
    Some(time.delay)
}

/// Returns the place of a line that is not needed, because it is neither the longest delay nor the latest date nor one of
/// the two latest epochs.
///
/// The latest epoch may turn out to be implausible. Then the next one counts. If both are implausible, the hint asks for
/// the longest plausible wait, because an epoch that was dropped may have asked for it.
fn shortest(all: &mut [(Entry<'_>, Reach); SAME + 1]) -> usize {
    let mut is_needed = [false; SAME + 1];
    let furthest = |axis: usize, is_needed: &[bool; SAME + 1]| {
        let others = (0..=SAME).filter(|&it| !is_needed[it]);
        let others = others.filter(|&it| all[it].1.axes[axis] != Reach::NONE);
        others.max_by_key(|&it| (all[it].1.axes[axis], all[it].0.value))
    };
    let latest = furthest(Reach::EPOCH, &is_needed);
    for axis in [0, 1, Reach::EPOCH, Reach::EPOCH] {
        if let Some(it) = furthest(axis, &is_needed) {
            is_needed[it] = true;
        }
    }
    let others = (0..=SAME).filter(|&it| !is_needed[it]);
    let one = others.min_by_key(|&it| all[it].0.value).unwrap_or(SAME);
    if all[one].1.axes[Reach::EPOCH] != Reach::NONE {
        if let Some(latest) = latest {
            all[latest].0.dispute = Dispute::HidesEpoch;
        }
    }
    one
}

/// Returns the strictest window of a line.
fn strictest(entry: &Entry<'_>) -> Option<Strictness> {
    let mut strictest = None;
    let mut keep = |window, _| strictest = strictest.max(Some(strictness_of(window)));
    let read = match entry.part() {
        Part::Pairs => pairs(entry, &mut keep),
        Part::Usages => usages(entry, &mut keep),
        Part::Resources => resources(entry, &mut keep),
        _ => match list(entry.value) {
            Some(items) => {
                let items = items.map(Item::new);
                let windows = items.filter_map(|item| named_window(&item, entry));
                windows.for_each(|window| keep(window, true));
                Ok(())
            }
            None => Members::read(entry).map(|members| {
                let mut window = Window::of(&entry.window);
                members.tell(&mut window);
                keep(window, true);
            }),
        },
    };
    read.ok()?;
    strictest
}

/// How many values of a delay or a reset the crowd keeps.
const SAME: usize = 4;

/// How many delays, pushbacks and verdicts a hint keeps of a crowd. No known server sends more.
const ORDERS: usize = 6;

/// How many headers that are not listed the crowd keeps.
const UNLISTED: usize = 64;

/// How many headers the crowd keeps. All listed ones fit with all the values that it keeps of each, and a quarter more for
/// dialects.
const MOST: usize = 360 + UNLISTED;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::common::FAMILIES;
    use crate::hint::family::HeaderFamily;

    #[test]
    fn all_known_headers_fit() {
        let headers = FAMILIES.iter().flat_map(HeaderFamily::headers);
        let rooms = headers.map(|header| match header.part {
            Part::Delay(_) | Part::Reset(_) => SAME,
            Part::RateLimit | Part::Policy => MAX_WINDOWS,
            _ => 1,
        });
        // Lines with several windows, and dictionaries.
        let most = rooms.sum::<usize>() + 2 * MAX_WINDOWS;
        assert!(most + most / 4 + UNLISTED <= MOST, "{most}");
        let bytes = MOST * size_of::<Option<Member<'_>>>();
        assert!(bytes < 45_000, "{bytes}");
    }
}
