//! From the headers that were found to what they say together.

use super::MAX_WINDOWS;
use super::compound::{Keep, Pushed, pairs, resources, usages};
use super::count::{count, integers, limit_of, used, used_of_limit};
use super::draft::{length_of, named_policy, named_window, unit_of};
use super::family::{Family, Part};
use super::found::{Entry, Found};
use super::notes::Notes;
use super::reading::{Form, Meaning, Note, Why};
use super::said::Said;
use super::structured::{Item, dictionary, list};
use super::time::{Now, Time, text};
use super::window::{Stated, Unit, Window};

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
                Part::Pairs => self.keep_all(|keep| pairs(entry, keep)),
                Part::Usages => self.keep_all(|keep| usages(entry, keep)),
                Part::Resources => self.keep_all(|keep| resources(entry, keep)),
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

    /// The longest of the delays that are stated most exactly: none of those is to be undercut.
    fn delays(&mut self) {
        let mut grade = None;
        for entry in self.found.entries().filter(|entry| entry.part().is_delay()) {
            let own = (entry.rank, entry.part().grade());
            let is_outranked = grade.is_some_and(|grade| grade != own);
            let result = self.delay(entry, is_outranked);
            if self.said.delay.is_some() {
                grade.get_or_insert(own);
            }
            self.note(entry, result);
        }
    }

    fn delay(&mut self, entry: &Entry<'a>, is_outranked: bool) -> Result<Note, Why> {
        let part = entry.part();
        let time = match part {
            Part::Delay(form) => Time::read_latest(entry.value, form, self.now),
            Part::Pushback => Time::read(entry.value, Form::Millis, self.now),
            _ => Time::read_retry_after(entry.value, self.now),
        };
        if part == Part::Pushback && (entry.is_disputed || time.is_err()) {
            // What is negative or no number says not to retry, and so do two that disagree.
            self.said.retry = Some(false);
            return Ok(Note::of(Meaning::Retry));
        }
        if is_outranked {
            return Err(Why::Outranked);
        }
        let time = time?;
        let stated = entry.stated(time.delay);
        let is_longest = |delay: Stated<'_>| delay.delay < stated.delay;
        if self.said.delay.is_none_or(is_longest) {
            self.said.delay = Some(stated);
        }
        Ok(time.note(Meaning::Delay))
    }

    fn verdict(&mut self, value: &[u8]) -> Result<Note, Why> {
        let mut all = true;
        for value in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            all &= match () {
                () if value.eq_ignore_ascii_case(b"true") => true,
                () if value.eq_ignore_ascii_case(b"false") => false,
                () => return Err(Why::Unreadable),
            };
        }
        // Of two that disagree, the one that spares the server counts.
        self.said.retry = Some(all && self.said.retry.unwrap_or(true));
        Ok(Note::of(Meaning::Retry))
    }

    /// A header that tells one thing, or two, of its family's window. What is unreadable makes no window, of which there is
    /// room for few.
    fn figure(&mut self, entry: &Entry<'a>) -> Result<Note, Why> {
        let (family, value) = (entry.window, entry.value);
        match entry.part() {
            Part::Limit => self.limit(entry),
            Part::Remaining => {
                let remaining = count(value)?;
                let window = self.window_with(family, Some(remaining))?;
                tell(&mut window.remaining, remaining)?;
                Ok(Note::of(Meaning::Remaining))
            }
            Part::Used => {
                let used = used(value)?;
                tell(&mut self.window(family)?.used, used)?;
                Ok(Note::of(Meaning::Used))
            }
            Part::UsedOfLimit => {
                let (used, limit) = used_of_limit(text(value).ok_or(Why::Unreadable)?)?;
                let window = self.window(family)?;
                tell(&mut window.used, used)?;
                tell(&mut window.limit, limit)?;
                Ok(Note::of(Meaning::Used))
            }
            Part::Reset(form) => {
                let time = Time::read_agreeing(value, form, self.now)?;
                let stated = entry.stated(time.delay);
                tell(&mut self.window(family)?.reset, stated)?;
                Ok(time.note(Meaning::Reset))
            }
            Part::Length(form) => {
                let time = Time::read_agreeing(value, form, self.now)?;
                if time.delay.is_zero() {
                    return Err(Why::Sentinel);
                }
                tell(&mut self.window(family)?.length, time.delay)?;
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
                tell(&mut self.window(family)?.key, value.trim_ascii())?;
                Ok(Note::of(Meaning::Key))
            }
        }
    }

    /// A number; as drafts up to -03 have it, with other windows behind; as Docker Hub has it, with the window's length.
    fn limit(&mut self, entry: &Entry<'a>) -> Result<Note, Why> {
        let (limit, is_list) = limit_of(entry.value)?;
        tell(&mut self.window(entry.window)?.limit, limit)?;
        let mut pushed = Pushed::default();
        if is_list {
            for item in integers(entry.value).into_iter().flatten() {
                self.unnamed_policy(entry.window, &item, &mut pushed)?;
            }
        }
        Ok(Note::of(Meaning::Limit).partly(pushed.is_partial()))
    }

    /// Limit and length of a window that has no name: of the family's own, if the limit is the same. What has no length
    /// tells nothing more.
    fn unnamed_policy(
        &mut self,
        family: &'static Family,
        item: &Item<'a>,
        pushed: &mut Pushed,
    ) -> Result<(), Why> {
        let limit = item.bare.integer().ok_or(Why::Unreadable)?;
        let Some(length) = item.w else {
            return Ok(());
        };
        let Some(length) = length_of(length) else {
            pushed.leave_out();
            return Ok(());
        };
        let own = self.place_of(family);
        let own = own.and_then(|at| self.said.windows.get_mut(at));
        if let Some(own) =
            own.filter(|own| own.limit == Some(limit) && own.length.is_none_or(|it| it == length))
        {
            own.length = Some(length);
            pushed.count(true);
            return Ok(());
        }
        let mut window = Window::new(family.name).with_unit(family.unit);
        window.limit = Some(limit);
        window.length = Some(length);
        self.keep(window, pushed);
        Ok(())
    }

    /// `RateLimit`: a dictionary in draft -07, a list from -08 on.
    fn rate_limit(&mut self, entry: &Entry<'a>) -> Result<Note, Why> {
        if let Some(items) = list(entry.value) {
            let mut pushed = Pushed::default();
            for item in items.map(Item::new) {
                let Some(window) = named_window(&item, entry) else {
                    pushed.leave_out();
                    continue;
                };
                if item.t.is_some() && window.reset.is_none() {
                    pushed.leave_out();
                }
                if let Some(at) = self.keep(window, &mut pushed) {
                    self.is_named[at] = true;
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
        let (limit, remaining, seconds) = (read(limit)?, read(remaining)?, read(reset)?);
        let reset = seconds.and_then(|seconds| entry.stated_seconds(seconds));
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
        let is_partial = limit == Some(0) || seconds.is_some() && reset.is_none();
        Ok(Note::of(Meaning::Windows).partly(is_partial))
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
                self.unnamed_policy(entry.window, &item, &mut pushed)?;
                continue;
            }
            let Some(policy) = named_policy(&item) else {
                pushed.leave_out();
                continue;
            };
            if item.w.is_some() && policy.length.is_none() {
                pushed.leave_out();
            }
            pushed.count(policy.apply(self.said, &self.is_named));
        }
        pushed.note()
    }

    /// The family's window, which is made if need be.
    fn window(&mut self, family: &'static Family) -> Result<&mut Window<'a>, Why> {
        self.window_with(family, None)
    }

    /// The same, in which so many remain if it is made.
    fn window_with(
        &mut self,
        family: &'static Family,
        remaining: Option<u64>,
    ) -> Result<&mut Window<'a>, Why> {
        let at = match self.place_of(family) {
            Some(at) => at,
            None => {
                let window = Window {
                    length: family.length,
                    remaining,
                    ..Window::new(family.name).with_unit(family.unit)
                };
                let kept = self.keep(window, &mut Pushed::default());
                let at = kept.ok_or(Why::TooMany)?;
                self.families[at] = Some(family);
                at
            }
        };
        self.said.windows.get_mut(at).ok_or(Why::TooMany)
    }

    /// Keeps a window, and answers where. If there is no room, one in which nothing remains takes that of one which is not
    /// to be waited for.
    fn keep(&mut self, window: Window<'a>, pushed: &mut Pushed) -> Option<usize> {
        let len = self.said.windows.len();
        let at = match self.said.windows.push(window) {
            Some(_) => Some(len),
            None if window.remaining == Some(0) => {
                let at = self.said.windows.replace_last(window, |other| {
                    other.remaining.is_some_and(|remaining| remaining > 0)
                });
                if let Some(at) = at {
                    pushed.leave_out();
                    if let Some(family) = self.families[at].take() {
                        self.take_back(Why::TooMany, |entry| entry.is_of(family));
                    }
                }
                at
            }
            None => None,
        };
        pushed.count(at.is_some());
        at
    }

    fn keep_all(
        &mut self,
        read: impl FnOnce(Keep<'_, 'a>) -> Result<(), Why>,
    ) -> Result<Note, Why> {
        let mut pushed = Pushed::default();
        read(&mut |window, is_whole| {
            if !is_whole {
                pushed.leave_out();
            }
            self.keep(window, &mut pushed);
        })?;
        pushed.note()
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
                window.is_unclear = window.remaining.take().is_some_and(|it| it > 0);
                let is_meant = |reset: &Stated<'_>| reset.delay > 0;
                let is_reset_meant = window.reset.as_ref().is_some_and(is_meant);
                window.reset = window.reset.filter(is_meant);
                let is_both = |family| self.found.tells(family, Part::UsedOfLimit);
                if self.families[at].is_some_and(is_both) {
                    window.used = None;
                }
                is_all_known &= window.is_known();
                self.dispute_limit(at, is_reset_meant);
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

    fn dispute_limit(&mut self, at: usize, is_reset_meant: bool) {
        let family = self.families[at];
        self.take_back(Why::Ambiguous, |entry| {
            let is_disputed = match entry.part() {
                Part::Limit | Part::Remaining | Part::UsedOfLimit => true,
                Part::Reset(_) => !is_reset_meant,
                _ => false,
            };
            is_disputed && family.is_some_and(|family| entry.is_of(family))
        });
    }
}

/// Of what is told twice, that counts which stands first in the tables.
fn tell<T: Copy + PartialEq>(slot: &mut Option<T>, it: T) -> Result<(), Why> {
    if *slot.get_or_insert(it) == it {
        Ok(())
    } else {
        Err(Why::Outranked)
    }
}
