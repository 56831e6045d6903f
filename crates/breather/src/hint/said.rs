//! The content of a hint.

use core::cmp::Reverse;
use core::time::Duration;

use super::few::Few;
use super::sizes::MAX_WINDOWS;
use super::window::{Stated, Strictness, Window};

/// The content of a hint that is not empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) delay: Option<Stated<'a>>,
    pub(super) retry: Option<bool>,
    pub(super) windows: Few<Window<'a>, 1, { MAX_WINDOWS - 1 }>,
}

impl<'a> Said<'a> {
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            delay: None,
            retry: None,
            windows: Few::new(),
        }
    }

    /// Sets a delay after the receipt.
    pub(super) const fn set_delay(&mut self, delay: Duration) {
        self.delay = Some(Stated {
            header: "retry-after",
            ..Stated::by_hand(delay)
        });
    }

    /// Adds a window. If there is no room, it replaces the least strict one.
    pub(super) fn keep(&mut self, window: Window<'a>) {
        if self.windows.push(window).is_some() {
            return;
        }
        let least = self.least_strict(|_, window| window.strictness());
        if let Some((at, _)) = least.filter(|(_, least)| *least < window.strictness()) {
            if let Some(slot) = self.windows.get_mut(at) {
                *slot = window;
            }
        }
    }

    /// Returns the place of the least strict window, or the last of several, and how strict it is.
    pub(super) fn least_strict(
        &self,
        strictness: impl Fn(usize, &Window<'a>) -> Strictness,
    ) -> Option<(usize, Strictness)> {
        let windows = self.windows.iter().enumerate();
        let all = windows.map(|(at, window)| (at, strictness(at, window)));
        all.min_by_key(|&(at, strictness)| (strictness, Reverse(at)))
    }

    /// Returns the delay or the reset that a rejection obeys.
    #[inline]
    pub(super) fn binding(&self) -> Option<&Stated<'a>> {
        match &self.delay {
            Some(delay) => Some(delay),
            None => self.binding_reset(),
        }
    }

    fn binding_reset(&self) -> Option<&Stated<'a>> {
        let windows = || self.windows.iter().filter(|window| window.reset.is_some());
        let spent = windows().filter(|window| window.remaining == Some(0));
        let spent = spent.filter_map(|window| window.reset.as_ref());
        let latest = spent.max_by_key(|reset| reset.delay);
        let mut all = self.windows.iter();
        if all.any(|window| window.remaining.is_some()) {
            return latest;
        }
        let unknown = windows().filter(|it| it.may_be_spent());
        let unknown = unknown.filter_map(|window| window.reset.as_ref());
        unknown.min_by_key(|reset| reset.delay)
    }
}

/// What only the header reader needs.
#[cfg(feature = "std")]
impl Said<'_> {
    /// Whether there are no more windows than a few.
    pub(super) const fn is_few(&self) -> bool {
        self.windows.is_few()
    }

    /// With the few windows that come first alone, which is less to be moved.
    #[inline]
    pub(super) const fn without_more(&self) -> Self {
        Self {
            windows: self.windows.without_more(),
            ..*self
        }
    }
}
