//! Combines the headers of a response to its hint.

use super::columns::Columns;
use super::compound::{Keep, Pushed, pairs, resources, usages};
use super::count::{Limit, integers};
use super::delays::binding;
use super::draft::{length_of, named_policy, named_window};
use super::family::Part;
use super::figure::{Figure, window_of};
use super::found::{Entry, Found, Subject};
use super::members::Members;
use super::notes::Notes;
use super::reading::{HeaderMeaning, IgnoreReason, Note};
use super::said::Said;
use super::sizes::MAX_WINDOWS;
use super::structured::{Item, list};
use super::time::Now;
use super::window::{Strictness, Window};

impl<'a> Found<'a> {
    /// Combines the headers, and writes the result to `said`.
    pub(super) fn tell(&mut self, now: &Now<'_>, said: &mut Said<'a>) {
        self.sort();
        Assembly::new(self, now, said, None).fill();
        self.now = now.known();
    }

    /// Returns the reading of each header. It is worked out again, because hardly any hint is asked for it.
    pub(super) fn notes(&self) -> Notes<'a> {
        let mut notes = Notes::new();
        let mut found = *self;
        found.sort();
        if self.is_cached {
            for entry in found.entries() {
                notes.push(entry.name(), entry.value, Err(IgnoreReason::Cached));
            }
        } else {
            let now = Now::again(self.now);
            Assembly::new(&found, &now, &mut Said::new(), Some(&mut notes)).fill();
        }
        if let Some((name, value)) = self.left_out {
            notes.push(name, value, Err(IgnoreReason::TooMany));
        }
        notes
    }
}

/// Combines the headers of a response.
pub(super) struct Assembly<'f, 'a> {
    found: &'f Found<'a>,
    now: &'f Now<'f>,
    said: &'f mut Said<'a>,
    /// What became of each header, if anybody wants to know.
    notes: Option<&'f mut Notes<'a>>,
    /// Of which family each window is.
    families: [Option<Subject<'a>>; MAX_WINDOWS],
    /// The place of the header that named each window, unless a family did.
    lines: [u8; MAX_WINDOWS],
    /// The place of the header that it reads.
    line: u8,
    /// How strict each window is, once the room is full.
    strictness: Option<[Strictness; MAX_WINDOWS]>,
    /// Which of them `RateLimit` named. Policies apply to these.
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
            lines: [0; MAX_WINDOWS],
            line: 0,
            strictness: None,
            is_named: [false; MAX_WINDOWS],
        }
    }

    pub(super) fn fill(mut self) {
        self.delays();
        let mut has_fields = false;
        for (line, entry) in self.found.entries().enumerate() {
            self.line = line as u8;
            let result = match entry.part() {
                part if part.is_delay() => continue,
                part if part.is_structured() => {
                    has_fields = true;
                    continue;
                }
                Part::Unknown => Err(IgnoreReason::UnknownName),
                Part::Remark => Ok(Note::of(HeaderMeaning::Remark)),
                Part::Verdict => self.verdict(entry.value),
                Part::Pairs => self.keep_all(|keep| pairs(entry, keep)),
                Part::Usages => self.keep_all(|keep| usages(entry, keep)),
                Part::Resources => self.keep_all(|keep| resources(entry, keep)),
                _ => self.column(entry).unwrap_or_else(|| self.figure(entry)),
            };
            self.note(entry, result);
        }
        // In any order of the lines, the field that the others became comes before the policies.
        if has_fields {
            self.fields(Part::RateLimit);
            self.fields(Part::Policy);
        }
        self.finish();
    }

    fn note(&mut self, entry: &Entry<'a>, result: Result<Note, IgnoreReason>) {
        if let Some(notes) = &mut self.notes {
            notes.push(entry.name(), entry.value, result);
        }
    }

    fn fields(&mut self, part: Part) {
        let entries = self.found.entries().enumerate();
        for (line, entry) in entries.filter(|(_, entry)| entry.part() == part) {
            self.line = line as u8;
            let result = match part {
                Part::RateLimit => self.rate_limit(entry),
                _ => self.policy(entry),
            };
            self.note(entry, result);
        }
    }

    fn delays(&mut self) {
        let binding = binding(self.found.entries(), self.now);
        if let Some((entry, delay)) = binding {
            self.said.delay = Some(entry.stated(delay));
        }
        let is_asked = self.notes.is_some();
        for entry in self.found.entries().filter(|entry| entry.part().is_delay()) {
            if is_asked || entry.part() == Part::Pushback {
                let result = self.delay(entry, binding.map(|(entry, _)| entry));
                self.note(entry, result);
            }
        }
    }

    fn delay(
        &mut self,
        entry: &Entry<'a>,
        binding: Option<&Entry<'a>>,
    ) -> Result<Note, IgnoreReason> {
        let time = entry.time(self.now);
        if entry.part() == Part::Pushback && (entry.is_disputed() || time.is_err()) {
            // A negative or unreadable value says not to retry, and so do two that disagree.
            self.said.retry = Some(false);
            return Ok(Note::of(HeaderMeaning::Retry));
        }
        let time = time?;
        match binding.is_some_and(|binding| binding.exactness() != entry.exactness()) {
            true => Err(IgnoreReason::Outranked),
            false => Ok(time.note(HeaderMeaning::Delay)),
        }
    }

    fn verdict(&mut self, value: &[u8]) -> Result<Note, IgnoreReason> {
        let verdict = verdict_of(value)?;
        // Of two that disagree, the one that spares the server counts.
        self.said.retry = Some(verdict && self.said.retry.unwrap_or(true));
        Ok(Note::of(HeaderMeaning::Retry))
    }

    /// Reads a header that states a figure of several windows, if another one of its family does so, too. Such are a limit of
    /// `200,2000` and a usage of `200,731`. `None` if it states one figure.
    fn column(&mut self, entry: &Entry<'a>) -> Option<Result<Note, IgnoreReason>> {
        if !entry.value.contains(&b',') {
            return None;
        }
        let columns = Columns::of(self.found.entries(), entry.window)?;
        if !columns.has(entry) {
            return None;
        }
        if entry.part() != Part::Limit {
            return Some(Ok(Note::of(HeaderMeaning::Windows)));
        }
        let mut pushed = Pushed::default();
        for window in columns.windows() {
            self.keep(window, &mut pushed);
        }
        Some(pushed.note())
    }

    /// Reads a figure into its family's window. A header that is unreadable makes no window.
    fn figure(&mut self, entry: &Entry<'a>) -> Result<Note, IgnoreReason> {
        let figure = Figure::read(entry, self.now)?;
        let window = self.window(entry.window)?;
        let before = window.reset;
        let note = figure.tell(window)?;
        match figure {
            // Drafts up to -03 list other windows after it, and Docker Hub adds the window's length.
            Figure::Limit(Limit { is_list: true, .. }) => {
                let mut pushed = Pushed::default();
                for item in integers(entry.value).into_iter().flatten() {
                    self.unnamed_policy(entry.window, &item, &mut pushed)?;
                }
                Ok(note.partly(pushed.is_partial()))
            }
            Figure::Reset(_, stated) if entry.is_disputed() => {
                if let Some(earlier) = before.filter(|before| before.delay < stated.delay) {
                    self.take_back(IgnoreReason::Ambiguous, |other| {
                        other.is_same_header(entry) && other.value == earlier.raw
                    });
                }
                Ok(note)
            }
            _ => Ok(note),
        }
    }

    /// Reads limit and length of a window without a name. If the limit is the same, it is the family's own. An item
    /// without a length adds no window.
    fn unnamed_policy(
        &mut self,
        subject: Subject<'a>,
        item: &Item<'a>,
        pushed: &mut Pushed,
    ) -> Result<(), IgnoreReason> {
        let limit = item.bare.integer().ok_or(IgnoreReason::Unreadable)?;
        let Some(length) = item.w else {
            return Ok(());
        };
        let Some(length) = length_of(length) else {
            pushed.leave_out();
            return Ok(());
        };
        let own = self.place_of(&subject);
        let own = own.and_then(|at| self.said.windows.get_mut(at));
        if let Some(own) =
            own.filter(|own| own.limit == Some(limit) && own.length.is_none_or(|it| it == length))
        {
            own.length = Some(length);
            pushed.count(true);
            return Ok(());
        }
        let mut window = Window::new(subject.name()).with_unit(subject.family.unit);
        window.limit = Some(limit);
        window.length = Some(length);
        self.keep(window, pushed);
        Ok(())
    }

    /// Reads `RateLimit`, which is a dictionary in draft -07, and a list from -08 on.
    fn rate_limit(&mut self, entry: &Entry<'a>) -> Result<Note, IgnoreReason> {
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
        let members = Members::read(entry)?;
        members.tell(self.window(entry.window)?);
        self.outrank(entry, |part| match part {
            Part::Limit => members.limit.is_some(),
            Part::Remaining => members.remaining.is_some(),
            Part::Reset(_) => members.reset.is_some(),
            _ => false,
        });
        Ok(Note::of(HeaderMeaning::Windows).partly(members.is_partial))
    }

    /// Takes back the figures of the family's other headers, because `entry` counts before them.
    fn outrank(&mut self, entry: &Entry<'a>, is_told: impl Fn(Part) -> bool) {
        self.take_back(IgnoreReason::Outranked, |other| {
            other.is_of(&entry.window) && is_told(other.part()) && !other.is_same_header(entry)
        });
    }

    fn take_back(&mut self, why: IgnoreReason, is_affected: impl Fn(&Entry<'a>) -> bool) {
        let Some(notes) = &mut self.notes else {
            return;
        };
        for entry in self.found.entries().filter(|entry| is_affected(entry)) {
            notes.take_back(entry.name(), entry.value, why);
        }
    }

    /// Reads `RateLimit-Policy`, which has numbers up to draft -07, and names from -08 on.
    fn policy(&mut self, entry: &Entry<'a>) -> Result<Note, IgnoreReason> {
        let items = list(entry.value).ok_or(IgnoreReason::Unreadable)?;
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

    /// Returns the family's window, and creates it if it is missing.
    fn window(&mut self, subject: Subject<'a>) -> Result<&mut Window<'a>, IgnoreReason> {
        let at = match self.place_of(&subject) {
            Some(at) => at,
            None => {
                let at = match self.said.windows.push(Window::of(&subject)) {
                    Some(_) => Some(self.said.windows.len() - 1),
                    // It must be complete, or it would seem less strict than it is.
                    None => {
                        let window = self.window_of(&subject);
                        self.replace(window, window.strictness(), &mut Pushed::default())
                    }
                };
                let at = at.ok_or(IgnoreReason::TooMany)?;
                self.families[at] = Some(subject);
                at
            }
        };
        self.said.windows.get_mut(at).ok_or(IgnoreReason::TooMany)
    }

    /// Adds a window that a line names, and returns its place.
    fn keep(&mut self, window: Window<'a>, pushed: &mut Pushed) -> Option<usize> {
        let len = self.said.windows.len();
        let at = match self.said.windows.push(window) {
            Some(_) => Some(len),
            None => self.replace(window, strictness_of(window), pushed),
        };
        if let Some(at) = at {
            self.lines[at] = self.line;
        }
        pushed.count(at.is_some());
        at
    }

    /// Replaces the least strict window with a stricter one, and returns its place.
    #[cold]
    fn replace(
        &mut self,
        window: Window<'a>,
        strictness: Strictness,
        pushed: &mut Pushed,
    ) -> Option<usize> {
        let mut all = self.strictness();
        let (at, least) = self.said.least_strict(|at, _| all[at])?;
        if strictness <= least {
            return None;
        }
        self.leave_out(at, pushed);
        self.is_named[at] = false;
        all[at] = strictness;
        self.strictness = Some(all);
        *self.said.windows.get_mut(at)? = window;
        Some(at)
    }

    /// Returns how strict each window is with all of its headers.
    fn strictness(&mut self) -> [Strictness; MAX_WINDOWS] {
        if let Some(known) = self.strictness {
            return known;
        }
        let mut all = [strictness_of(Window::new("")); MAX_WINDOWS];
        for (at, window) in self.said.windows.iter().enumerate() {
            all[at] = match self.families[at] {
                Some(subject) => self.window_of(&subject).strictness(),
                None => strictness_of(*window),
            };
        }
        self.strictness = Some(all);
        all
    }

    fn window_of(&self, subject: &Subject<'a>) -> Window<'a> {
        window_of(subject, self.found.entries(), self.now)
    }

    /// Drops the window at `at`, and notes that its headers have no effect after all.
    fn leave_out(&mut self, at: usize, pushed: &mut Pushed) {
        if let Some(subject) = self.families[at].take() {
            self.take_back(IgnoreReason::TooMany, |entry| {
                entry.is_of(&subject) && (entry.part().is_figure() || entry.is_dictionary())
            });
            return;
        }
        let line = self.lines[at];
        if line == self.line {
            pushed.leave_out();
            return;
        }
        let Some(entry) = self.found.entries().nth(line.into()) else {
            return;
        };
        let others = (0..self.said.windows.len()).filter(|&other| other != at);
        let mut others = others.filter(|&other| self.families[other].is_none());
        let tells_more = entry.part() == Part::Limit || others.any(|it| self.lines[it] == line);
        let Some(notes) = &mut self.notes else {
            return;
        };
        if tells_more {
            notes.take_back_part(entry.name(), entry.value);
        } else {
            notes.take_back(entry.name(), entry.value, IgnoreReason::TooMany);
        }
    }

    fn keep_all(
        &mut self,
        read: impl FnOnce(Keep<'_, 'a>) -> Result<(), IgnoreReason>,
    ) -> Result<Note, IgnoreReason> {
        let mut pushed = Pushed::default();
        read(&mut |window, is_whole| {
            if !is_whole {
                pushed.leave_out();
            }
            self.keep(window, &mut pushed);
        })?;
        pushed.note()
    }

    fn place_of(&self, subject: &Subject<'_>) -> Option<usize> {
        let is_own = |own: &Option<Subject<'_>>| own.is_some_and(|own| own.is(subject));
        self.families.iter().position(is_own)
    }

    /// Completes the windows, and drops those without a figure.
    fn finish(&mut self) {
        let mut is_all_known = true;
        for at in 0..self.said.windows.len() {
            let Some(window) = self.said.windows.get_mut(at) else {
                break;
            };
            let family = self.families[at];
            let is_disputed = window.limit == Some(0);
            window.settle(|part| family.is_some_and(|family| self.found.tells(&family, part)));
            is_all_known &= window.is_known();
            if is_disputed {
                let is_reset_meant = window.reset.is_some();
                self.dispute_limit(at, is_reset_meant);
            }
        }
        if !is_all_known {
            self.said.windows.retain(|_, window| window.is_known());
        }
    }

    fn dispute_limit(&mut self, at: usize, is_reset_meant: bool) {
        let family = self.families[at];
        self.take_back(IgnoreReason::Ambiguous, |entry| {
            let is_disputed = match entry.part() {
                Part::Limit | Part::Remaining | Part::UsedOfLimit => true,
                Part::Reset(_) => !is_reset_meant,
                _ => false,
            };
            is_disputed && family.is_some_and(|family| entry.is_of(&family))
        });
    }
}

/// Returns how strict a window is that a line names.
pub(super) fn strictness_of(mut window: Window<'_>) -> Strictness {
    window.settle(|_| false);
    window.strictness()
}

/// Reads whether to send the request again.
pub(super) fn verdict_of(value: &[u8]) -> Result<bool, IgnoreReason> {
    let mut all = true;
    for value in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
        all &= match () {
            () if value.eq_ignore_ascii_case(b"true") => true,
            () if value.eq_ignore_ascii_case(b"false") => false,
            () => return Err(IgnoreReason::Unreadable),
        };
    }
    Ok(all)
}
