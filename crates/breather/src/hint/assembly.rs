//! From the headers that were found to what they say together.

use core::time::Duration;

use super::family::{Family, Part};
use super::found::{Entry, Found};
use super::number::Number;
use super::reading::{Form, Meaning, Note, Why};
use super::structured::{Bare, Item, Parts, dictionary, list};
use super::time::{LARGEST_DELAY, Now, Time, not_a_number, text};
use super::window::{Stated, Unit, Window};
use super::{Hint, MAX_WINDOWS, Said};

/// Puts together what the headers of a response say.
pub(super) struct Assembly<'f, 'a> {
    found: &'f Found<'a, 'f>,
    now: &'f Now<'f>,
    /// Of which family each window is.
    families: [Option<&'static Family>; MAX_WINDOWS],
    /// Which of them `RateLimit` named: those that its policies are of.
    is_named: [bool; MAX_WINDOWS],
}

impl<'f, 'a> Assembly<'f, 'a> {
    pub(super) const fn new(found: &'f Found<'a, 'f>, now: &'f Now<'f>) -> Self {
        Self {
            found,
            now,
            families: [None; MAX_WINDOWS],
            is_named: [false; MAX_WINDOWS],
        }
    }

    pub(super) fn fill(mut self, hint: &mut Hint<'a>) {
        let said = hint.said();
        self.delay(said);
        for entry in self.found.entries() {
            let result = match entry.part {
                _ if entry.is_delay() || entry.is_structured() => continue,
                Part::Remark => Ok(Note::of(Meaning::Remark)),
                Part::Verdict => verdict(entry.value, said),
                _ if self.found.is_crowded => Err(Why::TooMany),
                Part::Pairs => pairs(entry, said),
                Part::Usages => usages(entry, said),
                Part::Resources => resources(entry, said),
                _ if entry.is_disputed => Err(Why::Ambiguous),
                _ => self.figure(entry, said),
            };
            said.note(entry.header(), entry.value, result);
        }
        // Whatever the order of the lines: the field that the others became, and then what describes them all.
        if self.found.fields > 0 {
            self.fields(Part::RateLimit, said);
            self.fields(Part::Policy, said);
        }
        self.finish(said);
    }

    fn fields(&mut self, part: Part, said: &mut Said<'a>) {
        for entry in self.found.entries().filter(|entry| entry.part == part) {
            let result = match part {
                _ if self.found.is_crowded => Err(Why::TooMany),
                Part::RateLimit => self.rate_limit(entry, said),
                _ => self.policy(entry, said),
            };
            said.note(entry.header(), entry.value, result);
        }
    }

    /// The delay of the header that counts before all others: those of dialects, then in the order of their table.
    fn delay(&self, said: &mut Said<'a>) {
        let order =
            |entry: &Entry<'_>| (entry.rank, core::ptr::from_ref(entry.family), entry.place);
        let mut left = self.found.delays;
        let mut last = None;
        while left > 0 {
            let delays = self.found.entries().filter(|entry| entry.is_delay());
            let delays = delays.filter(|entry| last.is_none_or(|last| order(entry) > last));
            let Some(first) = delays.min_by_key(|entry| order(entry)) else {
                return;
            };
            last = Some(order(first));
            let mut tell = |entry: &Entry<'a>| {
                let result = self.delay_of(entry, first, said);
                said.note(entry.header(), entry.value, result);
                left = left.saturating_sub(1);
            };
            if first.is_disputed {
                let lines = self.found.entries();
                lines
                    .filter(|entry| entry.is_same_header(first))
                    .for_each(tell);
            } else {
                tell(first);
            }
        }
    }

    /// Of a header's several lines, the one that states the longest delay counts: none is to be undercut.
    fn delay_of(
        &self,
        entry: &Entry<'a>,
        first: &Entry<'a>,
        said: &mut Said<'a>,
    ) -> Result<Note, Why> {
        let time = match entry.part {
            Part::Delay(form) => Time::read(entry.value, form, self.now),
            Part::Pushback => Time::read(entry.value, Form::Millis, self.now),
            _ => Time::read_retry_after(entry.value, self.now),
        };
        if entry.part == Part::Pushback && (entry.is_disputed || time.is_err()) {
            // What is negative or no number says not to retry, and so do two that disagree.
            said.retry = Some(false);
            return Ok(Note::of(Meaning::Retry));
        }
        if said
            .delay
            .is_some_and(|delay| delay.header != first.header())
        {
            return Err(Why::Outranked);
        }
        let time = time?;
        if said.delay.is_none_or(|delay| delay.delay < time.delay) {
            said.delay = Some(stated(entry, time));
        }
        Ok(noted(Meaning::Delay, time))
    }

    /// A header that tells one thing, or two, of its family's window.
    fn figure(&mut self, entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
        let Entry {
            window: family,
            value,
            ..
        } = *entry;
        // What is unreadable makes no window, of which there is room for few.
        match entry.part {
            Part::Limit => self.limit(entry, said),
            Part::Remaining => {
                let remaining = count(value)?;
                self.window(family, said)?.remaining = Some(remaining);
                Ok(Note::of(Meaning::Remaining))
            }
            Part::Used => {
                let used = count(value)?;
                self.window(family, said)?.used = Some(used);
                Ok(Note::of(Meaning::Used))
            }
            Part::UsedOfLimit => {
                let (used, limit) = used_of_limit(text(value).ok_or(Why::Unreadable)?)?;
                let window = self.window(family, said)?;
                window.used = Some(used);
                window.limit = Some(limit);
                Ok(Note::of(Meaning::Used))
            }
            Part::Reset(form) => {
                let time = Time::read(value, form, self.now)?;
                let window = self.window(family, said)?;
                let other = window.reset.map(|reset| reset.header);
                if other.is_some_and(|other| self.precedes(other, entry)) {
                    return Err(Why::Outranked);
                }
                window.reset = Some(stated(entry, time));
                if other.is_some() {
                    self.outrank(entry, said, |part| matches!(part, Part::Reset(_)));
                }
                Ok(noted(Meaning::Reset, time))
            }
            Part::Length(form) => {
                let time = Time::read(value, form, self.now)?;
                self.window(family, said)?.length = Some(time.delay);
                Ok(noted(Meaning::Length, time))
            }
            Part::Name => {
                let name = text(value).filter(|name| !name.is_empty());
                let name = name.ok_or(Why::Unreadable)?;
                let window = self.window(family, said)?;
                window.name = name;
                if window.unit == Unit::Requests {
                    window.unit = unit_of(name);
                }
                Ok(Note::of(Meaning::Name))
            }
            _ => {
                self.window(family, said)?.key = Some(value.trim_ascii());
                Ok(Note::of(Meaning::Key))
            }
        }
    }

    /// Whether `header`, of the same window, counts before that of `entry`.
    fn precedes(&self, header: &str, entry: &Entry<'_>) -> bool {
        let mut others = self.found.entries();
        let other = others.find(|other| other.header() == header);
        other.is_some_and(|other| (other.rank, other.place) < (entry.rank, entry.place))
    }

    /// A number; as drafts up to -03 have it, with other windows behind; as Docker Hub has it, with the window's length.
    fn limit(&mut self, entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
        let (limit, policies) = limit_of(entry.value)?;
        if self.limit_before(entry) {
            return Err(Why::Outranked);
        }
        self.window(entry.window, said)?.limit = Some(limit);
        let mut is_cut = false;
        for item in policies.into_iter().flatten() {
            is_cut |= !self.unnamed_policy(entry.window, &item, said)?;
        }
        Ok(Note::of(Meaning::Limit).cut(is_cut))
    }

    /// Whether another header of the family has told the limit, and counts before that of `entry`.
    fn limit_before(&self, entry: &Entry<'_>) -> bool {
        self.found.entries().any(|other| {
            core::ptr::eq(other.window, entry.window)
                && other.part == Part::Limit
                && (other.rank, other.place) < (entry.rank, entry.place)
                && !other.is_disputed
                && limit_of(other.value).is_ok()
        })
    }

    /// Limit and length of a window that has no name: of the family's own, if the limit is the same. Whether there was
    /// room for it.
    fn unnamed_policy(
        &mut self,
        family: &'static Family,
        item: &Item<'a>,
        said: &mut Said<'a>,
    ) -> Result<bool, Why> {
        let limit = item.bare.integer().ok_or(Why::Unreadable)?;
        let Some(length) = item.w.and_then(Bare::integer).filter(|&length| length > 0) else {
            return Ok(true);
        };
        let length = Duration::from_secs(length);
        let own = self.own(family, said);
        if let Some(own) =
            own.filter(|own| own.limit == Some(limit) && own.length.is_none_or(|it| it == length))
        {
            own.length = Some(length);
            return Ok(true);
        }
        let mut window = Window::new(family.name).with_unit(family.unit);
        window.limit = Some(limit);
        window.length = Some(length);
        Ok(said.push_window(window).is_some())
    }

    /// `RateLimit`: a dictionary in draft -07, a list from -08 on.
    fn rate_limit(&mut self, entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
        if let Some(items) = list(entry.value) {
            let mut pushed = Pushed::default();
            for item in items.map(Item::new) {
                if let Some(window) = named_window(&item, entry) {
                    let at = said.push_window(window);
                    if let Some(at) = at {
                        self.is_named[at] = true;
                    }
                    pushed.count(at.is_some());
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
        let reset = read(reset)?.and_then(|reset| seconds(entry, reset));
        if limit.is_none() && remaining.is_none() && reset.is_none() {
            return Err(Why::Unreadable);
        }
        let window = self.window(entry.window, said)?;
        window.limit = limit.or(window.limit);
        window.remaining = remaining.or(window.remaining);
        window.reset = reset.or(window.reset);
        self.outrank(entry, said, |part| match part {
            Part::Limit => limit.is_some(),
            Part::Remaining => remaining.is_some(),
            Part::Reset(_) => reset.is_some(),
            _ => false,
        });
        Ok(Note::of(Meaning::Windows))
    }

    /// What other headers of the family told has no effect after all: that of `entry` counts.
    fn outrank(&self, entry: &Entry<'a>, said: &mut Said<'a>, is_told: impl Fn(Part) -> bool) {
        for other in self.found.entries() {
            let is_of_window = core::ptr::eq(other.window, entry.window);
            if is_of_window && is_told(other.part) && !other.is_same_header(entry) {
                said.take_back(other.header(), other.value, Why::Outranked);
            }
        }
    }

    /// `RateLimit-Policy`: numbers up to draft -07, named from -08 on.
    fn policy(&mut self, entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
        let items = list(entry.value).ok_or(Why::Unreadable)?;
        let mut pushed = Pushed::default();
        for item in items.map(Item::new) {
            if item.bare.integer().is_some() {
                pushed.count(self.unnamed_policy(entry.window, &item, said)?);
            } else if let Some(policy) = named_policy(&item) {
                pushed.count(policy.apply(said, &self.is_named));
            }
        }
        pushed.note()
    }

    /// The family's window, which is made if need be.
    fn window<'s>(
        &mut self,
        family: &'static Family,
        said: &'s mut Said<'a>,
    ) -> Result<&'s mut Window<'a>, Why> {
        let own = self.place_of(family);
        let free = || said.windows.iter().position(Option::is_none);
        let at = own.or_else(free).ok_or(Why::TooMany)?;
        self.families[at] = Some(family);
        Ok(said.windows[at].get_or_insert_with(|| Window {
            length: family.length,
            ..Window::new(family.name).with_unit(family.unit)
        }))
    }

    fn own<'s>(&self, family: &Family, said: &'s mut Said<'a>) -> Option<&'s mut Window<'a>> {
        said.windows[self.place_of(family)?].as_mut()
    }

    fn place_of(&self, family: &Family) -> Option<usize> {
        let is_own = |own: &Option<&Family>| own.is_some_and(|own| core::ptr::eq(own, family));
        self.families.iter().position(is_own)
    }

    /// Works out what follows, and drops the windows of which nothing is known.
    fn finish(&self, said: &mut Said<'a>) {
        let mut is_gone = false;
        for at in 0..MAX_WINDOWS {
            let Some(window) = &mut said.windows[at] else {
                break;
            };
            let is_zero = window.limit == Some(0);
            if is_zero {
                // A way to say that there is no limit, or that nothing is ever let in: who knows. What remains of it is
                // nothing to count by either, but a reset may be meant.
                window.limit = None;
                window.remaining = None;
                window.reset = window.reset.filter(|reset| !reset.delay.is_zero());
            } else if window.remaining.is_none() {
                let used = window.limit.zip(window.used);
                window.remaining = used.map(|(limit, used)| limit.saturating_sub(used));
                window.is_unclear =
                    window.remaining.is_none() && self.is_unclear(self.families[at]);
            }
            let is_counted = window.limit.or(window.remaining).or(window.used).is_some();
            if !is_counted && window.reset.is_none() {
                said.windows[at] = None;
                is_gone = true;
            }
            if is_zero {
                self.dispute_limit(self.families[at], said);
            }
        }
        if is_gone {
            said.close_gaps();
        }
    }

    /// Whether a header should have told what remains in the family's window, and did not.
    fn is_unclear(&self, family: Option<&'static Family>) -> bool {
        self.found.entries().any(|entry| {
            let is_own = family.is_some_and(|family| core::ptr::eq(family, entry.window));
            is_own && matches!(entry.part, Part::Remaining | Part::UsedOfLimit)
        })
    }

    fn dispute_limit(&self, family: Option<&'static Family>, said: &mut Said<'a>) {
        for entry in self.found.entries() {
            let is_own = family.is_some_and(|family| core::ptr::eq(family, entry.window));
            if is_own
                && matches!(
                    entry.part,
                    Part::Limit | Part::Remaining | Part::UsedOfLimit
                )
            {
                said.take_back(entry.header(), entry.value, Why::Ambiguous);
            }
        }
    }
}

/// What a `RateLimit-Policy` item says of the windows of its name.
struct Policy<'a> {
    name: &'a str,
    limit: u64,
    length: Option<Duration>,
    unit: Unit,
    key: Option<&'a [u8]>,
}

impl<'a> Policy<'a> {
    /// Whether there was room for it.
    fn apply(&self, said: &mut Said<'a>, is_named: &[bool]) -> bool {
        let mut any = false;
        let windows = said.windows.iter_mut().zip(is_named);
        for window in windows.filter_map(|(window, &is_named)| window.as_mut().filter(|_| is_named))
        {
            let is_own = window.name == self.name && (self.key.is_none() || window.key == self.key);
            if is_own {
                window.limit = Some(self.limit);
                window.length = self.length;
                window.unit = self.unit;
                any = true;
            }
        }
        let mut window = Window::new(self.name).with_unit(self.unit);
        window.limit = Some(self.limit);
        window.length = self.length;
        window.key = self.key;
        any || said.push_window(window).is_some()
    }
}

/// How many windows a header told of.
#[derive(Default)]
struct Pushed {
    kept: u32,
    cut: u32,
}

impl Pushed {
    const fn count(&mut self, is_kept: bool) {
        if is_kept {
            self.kept += 1;
        } else {
            self.cut += 1;
        }
    }

    fn note(&self) -> Result<Note, Why> {
        match (self.kept, self.cut) {
            (0, 0) => Err(Why::Unreadable),
            (0, _) => Err(Why::TooMany),
            (_, cut) => Ok(Note::of(Meaning::Windows).cut(cut > 0)),
        }
    }
}

fn named_policy<'a>(item: &Item<'a>) -> Option<Policy<'a>> {
    let length = item.w.and_then(Bare::integer);
    let unit = match item.qu {
        None => unit_of(item.bare.name()?),
        Some(Bare::String(unit) | Bare::Token(unit)) => unit_called(unit),
        Some(_) => Unit::Other,
    };
    Some(Policy {
        name: item.bare.name()?,
        // A limit of 0 is none to go by.
        limit: item.q?.integer().filter(|&limit| limit > 0)?,
        length: length.filter(|&length| length > 0).map(Duration::from_secs),
        unit,
        key: key(item),
    })
}

/// What a window counts by its name alone.
fn unit_of(name: &str) -> Unit {
    let ends_with = |end: &str| {
        let at = name.len().checked_sub(end.len());
        at.and_then(|at| name.get(at..))
            .is_some_and(|it| it.eq_ignore_ascii_case(end))
    };
    match () {
        () if ends_with("tokens") => Unit::Tokens,
        () if ends_with("bytes") => Unit::Bytes,
        () => Unit::Requests,
    }
}

fn unit_called(name: &str) -> Unit {
    match name {
        // The text of the draft and its table of units disagree.
        "requests" | "request" => Unit::Requests,
        "content-bytes" | "bytes" => Unit::Bytes,
        "concurrent-requests" => Unit::Concurrency,
        "tokens" => Unit::Tokens,
        _ => Unit::Other,
    }
}

/// The window of an item of `RateLimit`. One that does not say what remains is to be ignored.
fn named_window<'a>(item: &Item<'a>, entry: &Entry<'a>) -> Option<Window<'a>> {
    let name = item.bare.name()?;
    let mut window = Window::new(name).with_unit(unit_of(name));
    window.remaining = Some(item.r?.integer()?);
    if let Some(reset) = item.t {
        window.reset = seconds(entry, reset.integer()?);
    }
    window.key = key(item);
    Some(window)
}

fn key<'a>(item: &Item<'a>) -> Option<&'a [u8]> {
    match item.pk? {
        Bare::Bytes(key) => Some(key.as_bytes()),
        _ => None,
    }
}

/// What is too large for a delay is an epoch by mistake, and no one knows of which unit.
fn seconds<'a>(entry: &Entry<'a>, seconds: u64) -> Option<Stated<'a>> {
    (seconds < LARGEST_DELAY).then(|| Stated {
        delay: Duration::from_secs(seconds),
        header: entry.header(),
        raw: entry.value,
    })
}

const fn stated<'a>(entry: &Entry<'a>, time: Time) -> Stated<'a> {
    Stated {
        delay: time.delay,
        header: entry.header(),
        raw: entry.value,
    }
}

const fn noted(meaning: Meaning, time: Time) -> Note {
    Note {
        meaning,
        form: Some(time.form),
        clock: time.clock,
        is_rounded: time.is_rounded,
        is_cut: false,
    }
}

fn verdict(value: &[u8], said: &mut Said<'_>) -> Result<Note, Why> {
    let value = value.trim_ascii();
    let retry = match () {
        () if value.eq_ignore_ascii_case(b"true") => true,
        () if value.eq_ignore_ascii_case(b"false") => false,
        () => return Err(Why::Unreadable),
    };
    // Of two that disagree, the one that spares the server counts.
    said.retry = Some(retry && said.retry.unwrap_or(true));
    Ok(Note::of(Meaning::Retry))
}

/// The items of a list of numbers, with their parameters.
fn integers(value: &[u8]) -> Option<impl Iterator<Item = Item<'_>>> {
    let items = list(value)?.map(Item::new);
    Some(items)
}

/// A limit, and the list that it begins if it is one: all of which is numbers, or it is not read.
fn limit_of(value: &[u8]) -> Result<(u64, Option<impl Iterator<Item = Item<'_>>>), Why> {
    if let Some(number) = Number::read(value) {
        return Ok((number.whole, None));
    }
    let unreadable = || not_a_number(value);
    let mut items = integers(value).ok_or_else(unreadable)?;
    let first = items.next().and_then(|item| item.bare.integer());
    let first = first.ok_or_else(unreadable)?;
    // The windows behind it have a length; without one, as in `1,000`, it is none of them.
    let is_window = |item: Item<'_>| match item.bare.integer() {
        Some(limit) => limit == first || item.w.is_some(),
        None => false,
    };
    if !items.all(is_window) {
        return Err(Why::Unreadable);
    }
    Ok((first, integers(value)))
}

/// A count, without its fraction: half a call is none. As Docker Hub has it, with parameters behind.
fn count(value: &[u8]) -> Result<u64, Why> {
    if let Some(number) = Number::read(value) {
        return Ok(number.whole);
    }
    let mut counts = integers(value)
        .ok_or_else(|| not_a_number(value))?
        .map(|item| item.bare.integer());
    let first = counts.next().flatten();
    // Proxies join lines that are the same.
    let count = first.filter(|&first| counts.all(|count| count == Some(first)));
    count.ok_or_else(|| not_a_number(value))
}

fn used_of_limit(text: &str) -> Result<(u64, u64), Why> {
    let (used, limit) = text.split_once('/').ok_or(Why::Unreadable)?;
    Ok((count(used.as_bytes())?, count(limit.as_bytes())?))
}

/// Adds the windows of all parts, as far as there is room; of none, if one is unreadable.
fn push_all<'a>(
    parts: impl Iterator<Item = &'a str> + Clone,
    window: impl Fn(&'a str) -> Result<Window<'a>, Why>,
    said: &mut Said<'a>,
) -> Result<Note, Why> {
    for part in parts.clone() {
        let _ = window(part)?;
    }
    let mut pushed = Pushed::default();
    for window in parts.filter_map(|part| window(part).ok()) {
        pushed.count(said.push_window(window).is_some());
    }
    pushed.note()
}

/// `total=100; remaining=99; resets=41`; or `b=per_hour;q=100;r=99;t=41, …`.
fn pairs<'a>(entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
    let text = text(entry.value).ok_or(Why::Unreadable)?;
    let window = |part| {
        let mut window = Window::new(entry.family.name).with_unit(entry.family.unit);
        for pair in Parts::new(part, b';') {
            let (key, value) = pair.split_once('=').ok_or(Why::Unreadable)?;
            let value = value.trim();
            let number = || count(value.as_bytes());
            match key.trim() {
                "b" => {
                    window.name = value;
                    window.length = length_called(value);
                }
                "q" | "total" | "limit" => window.limit = Some(number()?),
                "r" | "remaining" => window.remaining = Some(number()?),
                "t" | "resets" | "reset" => window.reset = seconds(entry, number()?),
                _ => {}
            }
        }
        Ok(window)
    };
    push_all(Parts::new(text, b','), window, said)
}

fn length_called(name: &str) -> Option<Duration> {
    let seconds = match name {
        "per_second" => 1,
        "per_minute" => 60,
        "per_hour" => 60 * 60,
        "per_day" => 24 * 60 * 60,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// `api-usage=18/5000; per-app-api-usage=17/250(appName=x)`.
fn usages<'a>(entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
    let text = text(entry.value).ok_or(Why::Unreadable)?;
    let window = |part: &'a str| {
        let (name, usage) = part.split_once('=').ok_or(Why::Unreadable)?;
        let usage = usage.split_once('(').map_or(usage, |(usage, _)| usage);
        let (used, limit) = used_of_limit(usage)?;
        let mut window = Window::new(name.trim());
        window.used = Some(used);
        window.limit = Some(limit);
        Ok(window)
    };
    push_all(text.split([';', ',']), window, said)
}

/// `Microsoft.Compute/GetVM3Min;197,Microsoft.Compute/GetVM30Min;1297`.
fn resources<'a>(entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
    let text = text(entry.value).ok_or(Why::Unreadable)?;
    let window = |part: &'a str| {
        let (name, remaining) = part.split_once(';').ok_or(Why::Unreadable)?;
        Ok(Window::new(name.trim()).with_remaining(count(remaining.as_bytes())?))
    };
    push_all(text.split(','), window, said)
}
