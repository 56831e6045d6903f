//! Compares the reading of the structured fields `RateLimit` and `RateLimit-Policy` with that of
//! `sfv`.
//!
//! The first line of an input is the former, the second the latter.

#![no_main]

use std::time::Duration;

use breather::{
    Hint,
    hint::{Unit, Window},
};
use breather_fuzz::{AT, moment};
use libfuzzer_sys::fuzz_target;
use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parser};

fuzz_target!(|data: &[u8]| {
    let (limits, policies) = match data.iter().position(|&byte| byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &b""[..]),
    };
    limits_alone(limits);
    policies_alone(policies);
    both(limits, policies);
});

fn read<'a>(lines: &[(&'static str, &'a [u8])]) -> Hint<'a> {
    Hint::read(lines.iter().copied(), moment(None))
}

fn limits_alone(limits: &[u8]) {
    let hint = read(&[("RateLimit", limits)]);
    let windows: Vec<_> = hint.windows().collect();
    if let Some(items) = list(limits) {
        let expected = kept(items.iter().filter_map(Limit::of));
        assert_eq!(windows.len(), expected.len(), "{hint:?}");
        for (window, expected) in windows.iter().zip(&expected) {
            expected.check(window);
        }
        let latest = expected.iter().filter(|limit| limit.remaining == 0);
        let latest = latest.filter_map(|limit| limit.reset).max();
        assert_eq!(
            hint.not_before(),
            latest.map(|reset| AT + Duration::from_secs(reset))
        );
    } else if let Some(members) = dictionary(limits) {
        assert!(windows.len() <= 1);
        let figure = |key| {
            members
                .get(key)
                .and_then(|member| natural(&item(member)?.bare_item))
        };
        let (limit, remaining, reset) = (figure("limit"), figure("remaining"), figure("reset"));
        let is_number = |key| !members.contains_key(key) || figure(key).is_some();
        if !["limit", "remaining", "reset"].into_iter().all(is_number) {
            // If one member is not a number, the reader trusts no other member either.
            assert!(windows.is_empty());
            return;
        }
        // A longer reset is an epoch by mistake. If the limit is zero, only the reset is known.
        let reset = reset.filter(|&reset| reset < 100_000_000);
        let is_limited = limit != Some(0);
        let reset = reset.filter(|&reset| is_limited || reset > 0);
        let (limit, remaining) = (
            limit.filter(|_| is_limited),
            remaining.filter(|_| is_limited),
        );
        let told = windows.first();
        assert_eq!(told.is_some(), limit.or(remaining).or(reset).is_some());
        if let Some(window) = told {
            assert_eq!(window.name(), "ratelimit");
            assert_eq!((window.limit(), window.remaining()), (limit, remaining));
            assert_eq!(window.reset(), reset.map(Duration::from_secs));
        }
    } else if !may_have_names(limits) {
        assert!(windows.is_empty());
    }
}

/// Returns the windows that the reader keeps. It has room for few, so a stricter window replaces
/// the least strict one.
fn kept(limits: impl Iterator<Item = Limit>) -> Vec<Limit> {
    let mut kept: Vec<Limit> = Vec::new();
    for limit in limits {
        if kept.len() < MAX_WINDOWS {
            kept.push(limit);
            continue;
        }
        let least = kept.iter_mut().rev().min_by_key(|other| other.strictness());
        if let Some(least) = least.filter(|least| least.strictness() < limit.strictness()) {
            *least = limit;
        }
    }
    kept
}

fn policies_alone(policies: &[u8]) {
    let hint = read(&[("RateLimit-Policy", policies)]);
    let windows: Vec<_> = hint.windows().collect();
    assert_eq!(hint.not_before(), None);
    let Some(items) = list(policies) else {
        assert!(windows.is_empty() || may_have_names(policies));
        return;
    };
    let Some(expected) = items.iter().map(Policy::of).collect::<Option<Vec<_>>>() else {
        return;
    };
    let is_repeated =
        |policy: &Policy| expected.iter().filter(|it| it.name == policy.name).count() > 1;
    if expected.iter().any(is_repeated) || expected.len() > MAX_WINDOWS {
        return;
    }
    let expected: Vec<_> = expected.iter().filter(|policy| policy.limit > 0).collect();
    assert_eq!(windows.len(), expected.len(), "{hint:?}");
    for (window, expected) in windows.iter().zip(expected) {
        expected.check(window);
        assert_eq!(window.remaining(), None);
    }
}

/// Checks that a policy sets the limit of each window with its name.
fn both(limits: &[u8], policies: &[u8]) {
    let hint = read(&[("RateLimit-Policy", policies), ("RateLimit", limits)]);
    assert!(hint.windows().count() <= MAX_WINDOWS);
    let (Some(limits), Some(policies)) = (list(limits), list(policies)) else {
        return;
    };
    let limits: Vec<_> = limits.iter().filter_map(Limit::of).collect();
    let Some(policies) = policies.iter().map(Policy::of).collect::<Option<Vec<_>>>() else {
        return;
    };
    let [policy] = policies.as_slice() else {
        return;
    };
    if limits.len() >= MAX_WINDOWS || policy.limit == 0 || policy.is_keyed {
        return;
    }
    let is_named = limits.iter().any(|limit| limit.name == policy.name);
    assert_eq!(
        hint.windows().count(),
        limits.len() + usize::from(!is_named),
        "{hint:?}"
    );
    for (window, limit) in hint.windows().zip(&limits) {
        limit.check_figures(window);
        if limit.name == policy.name {
            policy.check(window);
        } else {
            assert_eq!(window.limit(), None);
        }
    }
}

/// An item of `RateLimit`.
struct Limit {
    name: String,
    remaining: u64,
    reset: Option<u64>,
    /// The unit of the limit, from the parameter `qu`.
    unit: Option<Option<String>>,
    is_keyed: bool,
}

impl Limit {
    fn of(entry: &ListEntry) -> Option<Self> {
        let item = item(entry)?;
        let parameter = |key| item.params.get(key);
        Some(Self {
            name: name(&item.bare_item)?,
            remaining: natural(parameter("r")?)?,
            reset: match parameter("t") {
                // A longer reset is an epoch by mistake.
                Some(reset) => Some(natural(reset)?).filter(|&reset| reset < 100_000_000),
                None => None,
            },
            unit: parameter("qu").map(name),
            is_keyed: matches!(parameter("pk"), Some(BareItem::ByteSequence(_))),
        })
    }

    fn check(&self, window: &Window<'_>) {
        self.check_figures(window);
        assert_eq!(window.limit(), None);
        assert_eq!(window.length(), None);
        assert_eq!(window.unit() == Unit::Requests, self.is_requests());
    }

    /// Returns the rank by strictness. A spent window is stricter than others. Spent windows rank
    /// by the latest reset, others by the fewest requests left.
    fn strictness(&self) -> (u8, u64, u64) {
        match (self.remaining, self.reset) {
            (0, Some(reset)) => (3, reset, 0),
            (0, None) => (2, 0, 0),
            (left, reset) => (
                self.is_requests().into(),
                u64::MAX - left,
                reset.unwrap_or(0),
            ),
        }
    }

    fn is_requests(&self) -> bool {
        match &self.unit {
            Some(unit) => matches!(unit.as_deref(), Some("request" | "requests")),
            None => {
                let name = self.name.to_ascii_lowercase();
                !name.ends_with("tokens") && !name.ends_with("bytes")
            }
        }
    }

    fn check_figures(&self, window: &Window<'_>) {
        assert_eq!(window.name(), self.name);
        assert_eq!(window.remaining(), Some(self.remaining));
        assert_eq!(window.reset(), self.reset.map(Duration::from_secs));
        assert_eq!(window.key().is_some(), self.is_keyed);
    }
}

/// An item of `RateLimit-Policy` that has a name.
struct Policy {
    name: String,
    limit: u64,
    length: Option<u64>,
    is_keyed: bool,
}

impl Policy {
    fn of(entry: &ListEntry) -> Option<Self> {
        let item = item(entry)?;
        let parameter = |key| item.params.get(key);
        Some(Self {
            name: name(&item.bare_item)?,
            limit: natural(parameter("q")?)?,
            length: parameter("w")
                .or_else(|| parameter("window"))
                .and_then(natural)
                .filter(|&length| length > 0),
            is_keyed: matches!(parameter("pk"), Some(BareItem::ByteSequence(_))),
        })
    }

    fn check(&self, window: &Window<'_>) {
        assert_eq!(window.name(), self.name);
        assert_eq!(window.limit(), Some(self.limit));
        assert_eq!(window.length(), self.length.map(Duration::from_secs));
    }
}

fn list(value: &[u8]) -> Option<List> {
    Parser::new(value).parse().ok()
}

/// Returns whether a value that is no list may have an item with several names, which the reader accepts.
fn may_have_names(value: &[u8]) -> bool {
    let solid: Vec<_> = value.iter().filter(|byte| !b" \t".contains(byte)).collect();
    solid
        .windows(3)
        .any(|window| window == [&b'"', &b';', &b'"'])
}

fn dictionary(value: &[u8]) -> Option<Dictionary> {
    Parser::new(value).parse().ok()
}

fn item(entry: &ListEntry) -> Option<&Item> {
    match entry {
        ListEntry::Item(item) => Some(item),
        ListEntry::InnerList(_) => None,
    }
}

/// Returns a string as it was written, or a token. Either is a window's name.
fn name(bare: &BareItem) -> Option<String> {
    match bare {
        BareItem::String(name) => {
            let name = name.as_str();
            Some(name.replace('\\', "\\\\").replace('"', "\\\""))
        }
        BareItem::Token(name) => Some(name.as_str().to_owned()),
        _ => None,
    }
}

fn natural(bare: &BareItem) -> Option<u64> {
    u64::try_from(i64::from(bare.as_integer()?)).ok()
}

const MAX_WINDOWS: usize = 8;
