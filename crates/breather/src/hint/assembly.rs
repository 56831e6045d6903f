//! From the headers that were found to what they say together.

use core::time::Duration;

use super::MAX_WINDOWS;
use super::compound::{Pushed, pairs, resources, usages};
use super::count::{count, integers, limit_of, used_of_limit};
use super::draft::{named_policy, named_window, unit_of};
use super::family::{Family, Part};
use super::found::{Entry, Found};
use super::notes::Notes;
use super::reading::{Form, Meaning, Note, Why};
use super::said::Said;
use super::structured::{Bare, Item, dictionary, list};
use super::time::{Now, Time, text};
use super::window::{Unit, Window};

/// Puts together what the headers of a response say.
pub(super) struct Assembly<'f, 'a> {
    found: &'f Found<'a>,
    now: &'f Now<'f>,
    said: &'f mut Said<'a>,
    /// What became of each header, if anybody wants to know.
    notes: Option<&'f mut Notes<'a>>,
    /// Of which family each window is.
    families: [Option<&'static Family>; MAX_WINDOWS],
    /// Which of them `RateLimit` named: those that its policies are of.
    is_named: [bool; MAX_WINDOWS],
}

impl<'f, 'a> Assembly<'f, 'a> {
    pub(super) const fn new(
        found: &'f Found<'a>,
        now: &'f Now<'f>,
        said: &'f mut Said<'a>,
        notes: Option<&'f mut Notes<'a>>,
    ) -> Self {
        Self {
            found,
            now,
            said,
            notes,
            families: [None; MAX_WINDOWS],
            is_named: [false; MAX_WINDOWS],
        }
    }

    pub(super) fn fill(mut self) {
        self.delays();
        let mut has_fields = false;
        for entry in self.found.entries() {
            let result = match entry.part() {
                part if part.is_delay() => continue,
                part if part.is_structured() => {
                    has_fields = true;
                    continue;
                }
                Part::Remark => Ok(Note::of(Meaning::Remark)),
                Part::Verdict => self.verdict(entry.value),
                _ if self.found.is_crowded => Err(Why::TooMany),
                Part::Pairs => pairs(entry, self.said),
                Part::Usages => usages(entry, self.said),
                Part::Resources => resources(entry, self.said),
                _ if entry.is_disputed => Err(Why::Ambiguous),
                _ => self.figure(entry),
            };
            self.note(entry, result);
        }
        // Whatever the order of the lines: the field that the others became, and then what describes them all.
        if has_fields {
            self.fields(Part::RateLimit);
            self.fields(Part::Policy);
        }
        self.finish();
    }

    fn note(&mut self, entry: &Entry<'a>, result: Result<Note, Why>) {
        if let Some(notes) = &mut self.notes {
            notes.push(entry.name(), entry.value, result);
        }
    }

    fn fields(&mut self, part: Part) {
        let entries = self.found.entries();
        for entry in entries.filter(|entry| entry.part() == part) {
            let result = match part {
                _ if self.found.is_crowded => Err(Why::TooMany),
                Part::RateLimit => self.rate_limit(entry),
                _ => self.policy(entry),
            };
            self.note(entry, result);
        }
    }

    /// The delay of the header that counts before all others: those of dialects, then in the order of their table.
    fn delays(&mut self) {
        let found = self.found;
        let delays = || found.entries().filter(|entry| entry.part().is_delay());
        let mut left = delays().count();
        let mut last = None;
        while left > 0 {
            let rest = delays().filter(|entry| last.is_none_or(|last| entry.order() > last));
            let Some(first) = rest.min_by_key(|entry| entry.order()) else {
                return;
            };
            last = Some(first.order());
            for entry in delays().filter(|entry| entry.is_same_header(first)) {
                let result = self.delay(entry, first);
                self.note(entry, result);
                left = left.saturating_sub(1);
            }
        }
    }

    /// Of a header's several lines, the one that states the longest delay counts: none is to be undercut.
    fn delay(&mut self, entry: &Entry<'a>, first: &Entry<'a>) -> Result<Note, Why> {
        let part = entry.part();
        let time = match part {
            Part::Delay(form) => Time::read(entry.value, form, self.now),
            Part::Pushback => Time::read(entry.value, Form::Millis, self.now),
            _ => Time::read_retry_after(entry.value, self.now),
        };
        if part == Part::Pushback && (entry.is_disputed || time.is_err()) {
            // What is negative or no number says not to retry, and so do two that disagree.
            self.said.retry = Some(false);
            return Ok(Note::of(Meaning::Retry));
        }
        let delay = self.said.delay;
        if delay.is_some_and(|delay| delay.header != first.name()) {
            return Err(Why::Outranked);
        }
        let time = time?;
        let stated = entry.stated(time.delay);
        if delay.is_none_or(|delay| delay.delay < stated.delay) {
            self.said.delay = Some(stated);
        }
        Ok(time.note(Meaning::Delay))
    }

    fn verdict(&mut self, value: &[u8]) -> Result<Note, Why> {
        let value = value.trim_ascii();
        let retry = match () {
            () if value.eq_ignore_ascii_case(b"true") => true,
            () if value.eq_ignore_ascii_case(b"false") => false,
            () => return Err(Why::Unreadable),
        };
        // Of two that disagree, the one that spares the server counts.
        self.said.retry = Some(retry && self.said.retry.unwrap_or(true));
        Ok(Note::of(Meaning::Retry))
    }

    /// A header that tells one thing, or two, of its family's window.
    fn figure(&mut self, entry: &Entry<'a>) -> Result<Note, Why> {
        let (family, value) = (entry.window, entry.value);
        // What is unreadable makes no window, of which there is room for few.
        match entry.part() {
            Part::Limit => self.limit(entry),
            Part::Remaining => {
                let remaining = count(value)?;
                self.window(family)?.remaining = Some(remaining);
                Ok(Note::of(Meaning::Remaining))
            }
            Part::Used => {
                let used = count(value)?;
                self.window(family)?.used = Some(used);
                Ok(Note::of(Meaning::Used))
            }
            Part::UsedOfLimit => {
                let (used, limit) = used_of_limit(text(value).ok_or(Why::Unreadable)?)?;
                let window = self.window(family)?;
                window.used = Some(used);
                window.limit = Some(limit);
                Ok(Note::of(Meaning::Used))
            }
            Part::Reset(form) => self.reset(entry, form),
            Part::Length(form) => {
                let time = Time::read(value, form, self.now)?;
                self.window(family)?.length = Some(time.delay);
                Ok(time.note(Meaning::Length))
            }
            Part::Name => {
                let name = text(value).filter(|name| !name.is_empty());
                let name = name.ok_or(Why::Unreadable)?;
                let window = self.window(family)?;
                window.name = name;
                if window.unit == Unit::Requests {
                    window.unit = unit_of(name);
                }
                Ok(Note::of(Meaning::Name))
            }
            _ => {
                self.window(family)?.key = Some(value.trim_ascii());
                Ok(Note::of(Meaning::Key))
            }
        }
    }

    fn reset(&mut self, entry: &Entry<'a>, form: Form) -> Result<Note, Why> {
        let found = self.found;
        let time = Time::read(entry.value, form, self.now)?;
        let window = self.window(entry.window)?;
        let is_second = match window.reset {
            None => false,
            Some(other) => {
                let other = found.entries().find(|it| it.name() == other.header);
                if other.is_some_and(|other| other.precedes(entry)) {
                    return Err(Why::Outranked);
                }
                true
            }
        };
        window.reset = Some(entry.stated(time.delay));
        if is_second {
            self.outrank(entry, |part| matches!(part, Part::Reset(_)));
        }
        Ok(time.note(Meaning::Reset))
    }

    /// A number; as drafts up to -03 have it, with other windows behind; as Docker Hub has it, with the window's length.
    fn limit(&mut self, entry: &Entry<'a>) -> Result<Note, Why> {
        let (limit, is_list) = limit_of(entry.value)?;
        if self.limit_before(entry) {
            return Err(Why::Outranked);
        }
        self.window(entry.window)?.limit = Some(limit);
        let mut is_cut = false;
        if is_list {
            for item in integers(entry.value).into_iter().flatten() {
                is_cut |= !self.unnamed_policy(entry.window, &item)?;
            }
        }
        Ok(Note::of(Meaning::Limit).cut(is_cut))
    }

    /// Whether another header of the family has told the limit, and counts before that of `entry`.
    fn limit_before(&self, entry: &Entry<'_>) -> bool {
        self.found.entries().any(|other| {
            other.part() == Part::Limit
                && other.is_of(entry.window)
                && other.precedes(entry)
                && !other.is_disputed
                && limit_of(other.value).is_ok()
        })
    }

    /// Limit and length of a window that has no name: of the family's own, if the limit is the same. Whether there was
    /// room for it.
    fn unnamed_policy(&mut self, family: &'static Family, item: &Item<'a>) -> Result<bool, Why> {
        let limit = item.bare.integer().ok_or(Why::Unreadable)?;
        let Some(length) = item.w.and_then(Bare::integer).filter(|&length| length > 0) else {
            return Ok(true);
        };
        let length = Duration::from_secs(length);
        let own = self.place_of(family);
        let own = own.and_then(|at| self.said.windows.get_mut(at));
        if let Some(own) =
            own.filter(|own| own.limit == Some(limit) && own.length.is_none_or(|it| it == length))
        {
            own.length = Some(length);
            return Ok(true);
        }
        let mut window = Window::new(family.name).with_unit(family.unit);
        window.limit = Some(limit);
        window.length = Some(length);
        Ok(self.said.windows.push(window).is_some())
    }

    /// `RateLimit`: a dictionary in draft -07, a list from -08 on.
    fn rate_limit(&mut self, entry: &Entry<'a>) -> Result<Note, Why> {
        if let Some(items) = list(entry.value) {
            let mut pushed = Pushed::default();
            for item in items.map(Item::new) {
                if let Some(window) = named_window(&item, entry) {
                    let at = self.said.windows.len();
                    let is_kept = self.said.windows.push(window).is_some();
                    if is_kept {
                        self.is_named[at] = true;
                    }
                    pushed.count(is_kept);
                }
            }
            return pushed.note();
        }
        let members = dictionary(entry.value).ok_or(Why::Unreadable)?;
        // A dictionary on several lines is one: of a key that is there twice, the last counts.
        let (mut limit, mut remaining, mut reset) = (None, None, None);
        for (key, item) in members {
            let number = Some(item.bare.integer());
            match key {
                "limit" => limit = number,
                "remaining" => remaining = number,
                "reset" => reset = number,
                _ => {}
            }
        }
        // If one is no number, none is known to be what it should.
        let read = |number: Option<Option<u64>>| match number {
            Some(None) => Err(Why::Unreadable),
            number => Ok(number.flatten()),
        };
        let (limit, remaining) = (read(limit)?, read(remaining)?);
        let reset = read(reset)?.and_then(|reset| entry.stated_seconds(reset));
        if limit.is_none() && remaining.is_none() && reset.is_none() {
            return Err(Why::Unreadable);
        }
        let window = self.window(entry.window)?;
        window.limit = limit.or(window.limit);
        window.remaining = remaining.or(window.remaining);
        window.reset = reset.or(window.reset);
        self.outrank(entry, |part| match part {
            Part::Limit => limit.is_some(),
            Part::Remaining => remaining.is_some(),
            Part::Reset(_) => reset.is_some(),
            _ => false,
        });
        Ok(Note::of(Meaning::Windows))
    }

    /// What other headers of the family told has no effect after all: that of `entry` counts.
    fn outrank(&mut self, entry: &Entry<'a>, is_told: impl Fn(Part) -> bool) {
        self.take_back(Why::Outranked, |other| {
            other.is_of(entry.window) && is_told(other.part()) && !other.is_same_header(entry)
        });
    }

    fn take_back(&mut self, why: Why, is_affected: impl Fn(&Entry<'a>) -> bool) {
        let Some(notes) = &mut self.notes else {
            return;
        };
        for entry in self.found.entries().filter(|entry| is_affected(entry)) {
            notes.take_back(entry.name(), entry.value, why);
        }
    }

    /// `RateLimit-Policy`: numbers up to draft -07, named from -08 on.
    fn policy(&mut self, entry: &Entry<'a>) -> Result<Note, Why> {
        let items = list(entry.value).ok_or(Why::Unreadable)?;
        let mut pushed = Pushed::default();
        for item in items.map(Item::new) {
            if item.bare.integer().is_some() {
                pushed.count(self.unnamed_policy(entry.window, &item)?);
            } else if let Some(policy) = named_policy(&item) {
                pushed.count(policy.apply(self.said, &self.is_named));
            }
        }
        pushed.note()
    }

    /// The family's window, which is made if need be.
    fn window(&mut self, family: &'static Family) -> Result<&mut Window<'a>, Why> {
        if let Some(at) = self.place_of(family) {
            return self.said.windows.get_mut(at).ok_or(Why::TooMany);
        }
        let at = self.said.windows.len();
        let window = Window {
            length: family.length,
            ..Window::new(family.name).with_unit(family.unit)
        };
        let window = self.said.windows.push(window).ok_or(Why::TooMany)?;
        self.families[at] = Some(family);
        Ok(window)
    }

    fn place_of(&self, family: &Family) -> Option<usize> {
        let is_own = |own: &Option<&Family>| own.is_some_and(|own| core::ptr::eq(own, family));
        self.families.iter().position(is_own)
    }

    /// Works out what follows, and drops the windows of which nothing is known.
    fn finish(&mut self) {
        let mut is_all_known = true;
        for at in 0..self.said.windows.len() {
            let Some(window) = self.said.windows.get_mut(at) else {
                break;
            };
            if window.limit == Some(0) {
                // A way to say that there is no limit, or that nothing is ever let in: who knows. What remains of it is
                // nothing to count by either, but a reset may be meant.
                window.limit = None;
                window.remaining = None;
                window.reset = window.reset.filter(|reset| reset.delay > 0);
                if self.families[at].is_some_and(|family| self.found.tells_both(family)) {
                    window.used = None;
                }
                is_all_known &= window.is_known();
                self.dispute_limit(at);
            } else if window.remaining.is_none() {
                let used = window.limit.zip(window.used);
                window.remaining = used.map(|(limit, used)| limit.saturating_sub(used));
                is_all_known &= window.is_known();
                window.is_unclear = window.remaining.is_none()
                    && self.families[at].is_some_and(|family| self.found.tells_remaining(family));
            }
        }
        if !is_all_known {
            self.said.windows.retain(|_, window| window.is_known());
        }
    }

    fn dispute_limit(&mut self, at: usize) {
        let family = self.families[at];
        self.take_back(Why::Ambiguous, |entry| {
            family.is_some_and(|family| entry.is_of(family))
                && matches!(
                    entry.part(),
                    Part::Limit | Part::Remaining | Part::UsedOfLimit
                )
        });
    }
}
