//! What a hint says.

use core::time::Duration;

use super::MAX_WINDOWS;
use super::window::{Stated, Unit, Window};

/// What a hint says, if it says anything at all.
#[derive(Clone, Debug)]
pub(super) struct Said<'a> {
    pub(super) delay: Option<Stated<'a>>,
    pub(super) retry: Option<bool>,
    /// Those there are come first.
    pub(super) windows: [Option<Window<'a>>; MAX_WINDOWS],
}

impl<'a> Said<'a> {
    #[inline]
    pub(super) const fn new() -> Self {
        Self {
            delay: None,
            retry: None,
            windows: [const { None }; MAX_WINDOWS],
        }
    }

    pub(super) fn windows(&self) -> impl Iterator<Item = &Window<'a>> {
        self.windows.iter().map_while(Option::as_ref)
    }

    /// Says: not before `delay` after the receipt.
    pub(super) const fn set_delay(&mut self, delay: Duration) {
        self.delay = Some(Stated {
            header: "retry-after",
            ..Stated::by_hand(delay)
        });
    }

    /// Adds a window, if there is room for it, and answers where it stands.
    pub(super) fn push_window(&mut self, window: Window<'a>) -> Option<usize> {
        let at = self.windows.iter().position(Option::is_none)?;
        self.windows[at] = Some(window);
        Some(at)
    }

    /// Leaves out the windows that `keeps` does not keep, by their order.
    pub(super) fn retain(&mut self, keeps: impl Fn(usize, &Window<'a>) -> bool) {
        let mut kept = 0;
        for at in 0..MAX_WINDOWS {
            if let Some(window) = self.windows[at].take_if(|window| keeps(at, window)) {
                self.windows[kept] = Some(window);
                kept += 1;
            } else {
                self.windows[at] = None;
            }
        }
    }

    /// What a refusal obeys.
    pub(super) fn binding(&self) -> Option<Stated<'a>> {
        self.delay.or_else(|| {
            let windows = || self.windows().filter(|window| window.reset.is_some());
            let spent = windows().filter(|window| window.remaining == Some(0));
            let spent = spent.filter_map(|window| window.reset);
            let latest = spent.max_by_key(|reset| reset.delay);
            if self.windows().any(|window| window.remaining.is_some()) {
                return latest;
            }
            let unknown = windows().filter(|it| !it.is_unclear && it.unit != Unit::Other);
            let unknown = unknown.filter_map(|window| window.reset);
            unknown.min_by_key(|reset| reset.delay)
        })
    }

    /// Of the windows that count requests, the one that permits least: the fewest remaining, and of equal ones the
    /// latest reset.
    pub(super) fn tightest(&self) -> Option<&Window<'a>> {
        let mut tightest: Option<(&Window<'a>, u64)> = None;
        for window in self.windows() {
            let Some(remaining) = window.remaining.filter(|_| window.unit == Unit::Requests) else {
                continue;
            };
            let is_tighter = tightest.is_none_or(|(other, fewest)| {
                remaining < fewest || remaining == fewest && window.reset() > other.reset()
            });
            if is_tighter {
                tightest = Some((window, remaining));
            }
        }
        tightest.map(|(window, _)| window)
    }
}
