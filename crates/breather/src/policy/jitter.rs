//! The draw of a delay from its ceiling.

use core::fmt;
use core::time::Duration;

use crate::instant::{duration, nanos};
use crate::policy::ratio::Ratio;
use crate::policy::{Backoff, Shape};
use crate::rng::Rng;

/// Draws the delay of a call from the ceiling of its [`Backoff`].
///
/// # Choosing a jitter
///
/// | jitter | range, with ceiling `c` | cost |
/// |---|---|---|
/// | [`auto`](Self::auto) (default) | as `full` if the backoff is exponential, else c ..= 1.1 × c | as `full`, or callers stay in a bunch of width 0.1c |
/// | [`full`](Self::full) | 0 ..= c | some retries return immediately; least work in total |
/// | [`equal`](Self::equal) | c/2 ..= c | never immediate; slightly more work and time than full |
/// | [`decorrelated`](Self::decorrelated) | base ..= 3 × the previous delay | spreads most widely; ignores the shape of the backoff |
/// | [`proportional`](Self::proportional) | c × (1 ± p) | callers stay in a bunch of width 2pc |
/// | [`above`](Self::above) | c ..= c × (1 + p) | never earlier than c; callers stay in a bunch of width pc |
/// | [`additive`](Self::additive) | c + low ..= c + high | callers stay in a bunch as narrow as the range, however long the wait; 200 callers that add up to 1 s return at 200 sends a second |
/// | [`none`](Self::none) | c | callers that failed together return together |
///
/// Full jitter needed the fewest calls in the measurements of [Exponential Backoff And
/// Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
///
/// # Hand-written loops
///
/// You can express both of the usual hand-written loops exactly. Their callers don't know of each
/// other, so against a quota all of them return at each reset. The README has measurements of the
/// cost.
///
/// ```
/// use breather::{Backoff, Jitter, driver::Delays};
/// use core::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let doubling = Backoff::exponential(second).with_cap(Duration::MAX);
///
/// // sleep(2^attempt + U(0,1))
/// let mut delays = Delays::new(doubling, Jitter::additive(Duration::ZERO, second), 1);
/// assert!((8 * second..=9 * second).contains(&delays.draw(3)));
///
/// // sleep(min(2^attempt + U(0,1), 10)): from attempt 4 on, every caller waits the same 10 s.
/// let capped = Jitter::additive(Duration::ZERO, second).with_cap_after_jitter(10 * second);
/// let mut delays = Delays::new(doubling, capped, 1);
/// assert_eq!(delays.draw(4), 10 * second);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[must_use]
#[doc(alias = "randomization")]
pub struct Jitter {
    pub(crate) kind: Kind,
    /// In nanoseconds.
    cap: u64,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Kind {
    Auto,
    None,
    Full,
    Equal,
    /// In nanoseconds.
    Additive {
        low: u64,
        high: u64,
    },
    Proportional {
        below: Ratio,
        above: Ratio,
    },
    Decorrelated,
}

impl Jitter {
    /// Chooses the jitter by the shape of the backoff. The default.
    ///
    /// - An exponential backoff draws as with [`full`](Self::full), because its ceilings say how
    ///   long a delay may be.
    /// - A constant, linear, Fibonacci or custom backoff draws the ceiling plus up to a tenth,
    ///   because its ceilings are delays that you wrote down. The delays are never shorter.
    ///
    /// In a policy, the shape of the [`backoff`](crate::Policy::with_backoff) decides for retries,
    /// and the shape of the [`polling`](crate::Policy::with_polling) for polls.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Backoff, Jitter, driver::Delays};
    /// use core::time::Duration;
    ///
    /// let minute = Duration::from_secs(60);
    /// let mut delays = Delays::new(Backoff::constant(minute), Jitter::auto(), 1);
    /// assert!((minute..=Duration::from_secs(66)).contains(&delays.draw(0)));
    /// ```
    pub const fn auto() -> Self {
        Self::of(Kind::Auto)
    }

    /// Uses the ceiling itself as the delay.
    pub const fn none() -> Self {
        Self::of(Kind::None)
    }

    /// Draws evenly from zero to the ceiling.
    pub const fn full() -> Self {
        Self::of(Kind::Full)
    }

    /// Draws evenly from half of the ceiling to the ceiling.
    pub const fn equal() -> Self {
        Self::of(Kind::Equal)
    }

    /// Adds an amount drawn evenly from `low..=high` to the ceiling.
    ///
    /// Delays exceed the ceiling. A `high` below `low` counts as `low`.
    pub const fn additive(low: Duration, high: Duration) -> Self {
        let (low, high) = (nanos(low), nanos(high));
        let high = if high < low { low } else { high };
        Self::of(Kind::Additive { low, high })
    }

    /// Draws evenly from `1 - share` to `1 + share` times the ceiling.
    ///
    /// Delays exceed the ceiling by up to the share. The share is clamped to 0..=1, and NaN counts
    /// as 0.
    pub const fn proportional(share: f64) -> Self {
        let share = share_of_one(share);
        let below = Ratio::clamped(1.0 - share, 0, 1);
        let above = Ratio::clamped(1.0 + share, 1, 2);
        Self::of(Kind::Proportional { below, above })
    }

    /// Draws evenly from `1` to `1 + share` times the ceiling.
    ///
    /// No delay is shorter than the ceiling. The share is clamped to 0..=1, and NaN counts as 0.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Backoff, Jitter, driver::Delays};
    /// use core::time::Duration;
    ///
    /// let second = Duration::from_secs(1);
    /// let mut delays = Delays::new(Backoff::exponential(second), Jitter::above(0.5), 1);
    /// assert!((4 * second..=6 * second).contains(&delays.draw(2)));
    /// ```
    pub const fn above(share: f64) -> Self {
        let below = Ratio::ONE;
        let above = Ratio::clamped(1.0 + share_of_one(share), 1, 2);
        Self::of(Kind::Proportional { below, above })
    }

    /// Draws evenly from the first ceiling to three times the previous delay.
    ///
    /// The upper end is at most the backoff's [cap](Backoff::with_cap) if you set one. Otherwise it
    /// is at most 20 s, or three times the first ceiling if that is longer. Delays therefore stay
    /// bounded and differ from each other with any shape.
    ///
    /// The published formula caps after the draw, so that many delays equal the cap. breather caps
    /// the upper end before the draw.
    pub const fn decorrelated() -> Self {
        Self::of(Kind::Decorrelated)
    }

    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            cap: u64::MAX,
        }
    }

    /// Caps the delay *after* the draw, as hand-written loops do.
    ///
    /// This defeats the purpose of jitter. Every draw above `cap` becomes exactly `cap`, so all
    /// callers that reach it return together. Use it only to reproduce such a loop, and otherwise
    /// cap the [`Backoff`](Backoff::with_cap).
    pub const fn with_cap_after_jitter(mut self, cap: Duration) -> Self {
        self.cap = nanos(cap);
        self
    }

    /// Returns the cap that [`with_cap_after_jitter`](Self::with_cap_after_jitter) set.
    #[cfg(feature = "serde")]
    pub(crate) const fn cap(&self) -> Duration {
        duration(self.cap)
    }
}

impl fmt::Display for Jitter {
    /// Writes how delays are drawn, such as `full jitter` or `jitter of 0% to +10%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |ratio: Ratio| (ratio.as_f64() - 1.0) * 100.0;
        match self.kind {
            Kind::Auto => f.write_str("automatic jitter")?,
            Kind::None => f.write_str("no jitter")?,
            Kind::Full => f.write_str("full jitter")?,
            Kind::Equal => f.write_str("equal jitter")?,
            Kind::Additive { low, high } => {
                write!(f, "jitter of +{:?} to +{:?}", duration(low), duration(high))?;
            }
            Kind::Proportional { below, above } => {
                write!(
                    f,
                    "jitter of {:.0}% to +{:.0}%",
                    percent(below),
                    percent(above)
                )?;
            }
            Kind::Decorrelated => f.write_str("decorrelated jitter")?,
        }
        if self.cap < u64::MAX {
            write!(f, ", at most {:?}", duration(self.cap))?;
        }
        Ok(())
    }
}

impl Default for Jitter {
    /// Returns [`auto`](Self::auto).
    fn default() -> Self {
        Self::auto()
    }
}

/// Clamps `share` to 0..=1 and rounds it to a ratio, so that one number gives both ends exactly.
const fn share_of_one(share: f64) -> f64 {
    Ratio::clamped(share, 0, 1).as_f64()
}

/// The delays of one call, drawn with a generator of its own.
///
/// It is not `Clone`, because two calls with the same sequence would return together. You don't
/// need it for loops around a [`Call`](crate::driver::Call), which draws its own delays.
///
/// # Example
///
/// ```
/// use breather::{Backoff, Jitter, driver::Delays};
///
/// let mut delays = Delays::new(Backoff::default(), Jitter::full(), 42);
/// let first = delays.draw(0);
/// assert!(first <= Backoff::default().ceiling(0));
///
/// // The same seed draws the same delays.
/// let mut again = Delays::new(Backoff::default(), Jitter::full(), 42);
/// assert_eq!(again.draw(0), first);
/// ```
#[derive(Debug)]
pub struct Delays {
    backoff: Backoff,
    jitter: Jitter,
    draws: Draws,
}

/// The generator of the delays of one call.
#[derive(Debug)]
pub(crate) struct Draws {
    seed: u64,
    // Filled by the first draw. Most calls never draw, and filling a generator's state costs more
    // than deciding a call.
    rng: Option<Rng>,
    /// The latest delay, in nanoseconds.
    previous: u64,
}

impl Delays {
    /// Creates the delays of one call.
    ///
    /// Use a different `seed` for each call.
    #[must_use]
    pub const fn new(backoff: Backoff, jitter: Jitter, seed: u64) -> Self {
        Self {
            backoff,
            jitter,
            draws: Draws::new(seed),
        }
    }

    /// Draws the delay before retry number `retry`, counted from 0.
    pub fn draw(&mut self, retry: u32) -> Duration {
        let range = self.draws.range(&self.backoff, &self.jitter, retry);
        Duration::from_nanos(self.draws.draw(range))
    }
}

impl Draws {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: None,
            previous: 0,
        }
    }

    /// Returns the range of the delay before retry number `retry`.
    #[inline]
    pub(crate) fn range(&self, backoff: &Backoff, jitter: &Jitter, retry: u32) -> Range {
        let ceiling = backoff.ceiling_nanos(retry);
        let (low, high) = match jitter.kind {
            Kind::Auto => match backoff.shape {
                Shape::Exponential { .. } => (0, ceiling),
                Shape::Constant | Shape::Linear | Shape::Fibonacci | Shape::Custom(_) => {
                    // A tenth separates callers that failed together, and keeps the delay close to
                    // the one that you wrote down.
                    (ceiling, ceiling.saturating_add(ceiling / 10))
                }
            },
            Kind::None => (ceiling, ceiling),
            Kind::Full => (0, ceiling),
            Kind::Equal => (ceiling / 2, ceiling),
            Kind::Additive { low, high } => {
                (ceiling.saturating_add(low), ceiling.saturating_add(high))
            }
            Kind::Proportional { below, above } => (below.of(ceiling), above.of(ceiling)),
            Kind::Decorrelated => {
                let first = backoff.ceiling_nanos(0);
                let high = self.previous.max(first).saturating_mul(3);
                (first, high.min(backoff.longest_decorrelated(first)))
            }
        };
        let cap = jitter.cap;
        Range { low, high, cap }
    }

    /// Draws a delay from `range`, in nanoseconds.
    pub(crate) fn draw(&mut self, Range { low, high, cap }: Range) -> u64 {
        let seed = self.seed;
        let rng = self.rng.get_or_insert_with(|| Rng::new(seed));
        self.previous = rng.between(low, high).min(cap);
        self.previous
    }
}

/// An even range of delays, and the cap after the draw. In nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    low: u64,
    high: u64,
    cap: u64,
}

impl Range {
    /// Returns the longest delay that can be drawn.
    #[inline]
    pub(crate) fn high(&self) -> u64 {
        self.high.max(self.low).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Returns the first draw for retry `retry` of `count` calls.
    fn drawn(backoff: Backoff, jitter: Jitter, retry: u32, count: u64) -> Vec<Duration> {
        (0..count)
            .map(|seed| Delays::new(backoff, jitter, seed).draw(retry))
            .collect()
    }

    /// Counts the delays in each tenth of `low..=high`, and asserts that all delays are in it.
    fn tenths(delays: &[Duration], low: Duration, high: Duration) -> [usize; 10] {
        let mut counts = [0; 10];
        for &delay in delays {
            assert!((low..=high).contains(&delay), "{delay:?}");
            let share = (delay - low).as_secs_f64() / (high - low).as_secs_f64();
            counts[((share * 10.0) as usize).min(9)] += 1;
        }
        counts
    }

    /// Asserts that 10,000 draws are even.
    ///
    /// A tenth then holds 1,000 draws with a standard deviation of 30. An even distribution misses
    /// by 5 deviations once in two million tenths, and the seeds are fixed.
    fn assert_even(counts: [usize; 10]) {
        for count in counts {
            assert!((850..=1150).contains(&count), "{counts:?}");
        }
    }

    #[test]
    fn draws_are_even_over_every_range() {
        let backoff = Backoff::exponential(SECOND);
        for (jitter, low, high) in [
            (Jitter::full(), Duration::ZERO, 4 * SECOND),
            (Jitter::equal(), 2 * SECOND, 4 * SECOND),
            (Jitter::additive(SECOND, 2 * SECOND), 5 * SECOND, 6 * SECOND),
            (Jitter::proportional(0.25), 3 * SECOND, 5 * SECOND),
            (Jitter::above(0.25), 4 * SECOND, 5 * SECOND),
            (Jitter::auto(), Duration::ZERO, 4 * SECOND),
            (Jitter::decorrelated(), SECOND, 3 * SECOND),
        ] {
            let delays = drawn(backoff, jitter, 2, 10_000);
            assert_even(tenths(&delays, low, high));
        }
    }

    #[test]
    fn delays_at_cap_differ() {
        let backoff = Backoff::exponential(SECOND).with_cap(10 * SECOND);
        for (jitter, low, high) in [
            (Jitter::full(), Duration::ZERO, 10 * SECOND),
            (Jitter::equal(), 5 * SECOND, 10 * SECOND),
            (
                Jitter::additive(Duration::ZERO, SECOND),
                10 * SECOND,
                11 * SECOND,
            ),
            (Jitter::proportional(0.1), 9 * SECOND, 11 * SECOND),
            (Jitter::above(0.1), 10 * SECOND, 11 * SECOND),
        ] {
            let delays = drawn(backoff, jitter, 30, 10_000);
            assert_even(tenths(&delays, low, high));
        }
        let linear = Backoff::linear(SECOND).with_cap(10 * SECOND);
        let delays = drawn(linear, Jitter::auto(), 30, 10_000);
        assert_even(tenths(&delays, 10 * SECOND, 11 * SECOND));
    }

    #[test]
    fn decorrelated_delays_do_not_cluster_at_cap() {
        let backoff = Backoff::constant(SECOND).with_cap(10 * SECOND);
        let mut tenth_draws = Vec::new();
        for seed in 0..10_000 {
            let mut delays = Delays::new(backoff, Jitter::decorrelated(), seed);
            let last = (0..10).map(|retry| delays.draw(retry)).last();
            tenth_draws.extend(last);
        }
        let at_cap = tenth_draws.iter().filter(|&&d| d == 10 * SECOND).count();
        assert!(at_cap <= 1, "{at_cap} of 10,000 delays equal the cap");
    }

    #[test]
    fn decorrelated_delays_without_cap_are_bounded() {
        for first in [SECOND, 60 * SECOND] {
            let longest = (20 * SECOND).max(3 * first);
            for backoff in [
                Backoff::constant(first),
                Backoff::linear(first),
                Backoff::exponential(first),
                Backoff::fibonacci(first),
                match first {
                    SECOND => Backoff::custom(|_| SECOND),
                    _ => Backoff::custom(|_| Duration::from_secs(60)),
                },
            ] {
                let mut delays = Delays::new(backoff, Jitter::decorrelated(), 7);
                let drawn: Vec<_> = (0..100).map(|retry| delays.draw(retry)).collect();
                assert!(drawn.iter().all(|delay| (first..=longest).contains(delay)));
                // The delays don't cluster at either end.
                assert!(
                    drawn.iter().any(|&delay| delay > longest / 2),
                    "{backoff:?}"
                );
                assert!(drawn.iter().filter(|&&delay| delay == longest).count() <= 1);
            }
        }
        let endless = Backoff::constant(SECOND).with_cap(Duration::MAX);
        let mut delays = Delays::new(endless, Jitter::decorrelated(), 7);
        let longest = (0..100).map(|retry| delays.draw(retry)).max();
        assert!(longest > Some(1_000 * SECOND), "{longest:?}");
    }

    #[test]
    fn cap_after_jitter_reproduces_capped_loop() {
        // The loop is `sleep(min(2^attempt + U(0,1), 10))`, with attempts counted from 0.
        let backoff = Backoff::exponential(SECOND).with_cap(Duration::MAX);
        let jitter = Jitter::additive(Duration::ZERO, SECOND).with_cap_after_jitter(10 * SECOND);
        for (retry, low) in [(0, 1), (1, 2), (2, 4), (3, 8)] {
            let delays = drawn(backoff, jitter, retry, 10_000);
            assert_even(tenths(&delays, low * SECOND, (low + 1) * SECOND));
        }
        for retry in 4..8 {
            let delays = drawn(backoff, jitter, retry, 100);
            assert!(delays.iter().all(|&delay| delay == 10 * SECOND));
        }
    }

    /// Returns the statistic of Kolmogorov and Smirnov for two samples.
    ///
    /// It is the largest difference between the shares of `ours` and `theirs` below any value.
    fn distance(mut ours: Vec<Duration>, mut theirs: Vec<Duration>) -> f64 {
        ours.sort_unstable();
        theirs.sort_unstable();
        let below = |sorted: &[Duration], value| {
            sorted.partition_point(|&delay| delay <= value) as f64 / sorted.len() as f64
        };
        let values = ours.iter().chain(&theirs);
        values
            .map(|&value| (below(&ours, value) - below(&theirs, value)).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn hand_written_loops_have_same_distribution() {
        // A hand-written loop in floats, with another generator. It is a 48-bit linear congruential
        // generator like that of drand48 in POSIX.
        let mut state = 1_u64;
        let mut uniform = move || {
            state = state.wrapping_mul(0x5_deec_e66d).wrapping_add(0xb) & ((1 << 48) - 1);
            state as f64 / (1_u64 << 48) as f64
        };
        let doubling = Backoff::exponential(SECOND).with_cap(Duration::MAX);
        let additive = Jitter::additive(Duration::ZERO, SECOND);
        for (jitter, cap) in [
            (additive, f64::INFINITY),
            (additive.with_cap_after_jitter(10 * SECOND), 10.0),
        ] {
            for attempt in 0..8 {
                let by_hand = (0..10_000)
                    .map(|_| 2_f64.powi(attempt) + uniform())
                    .map(|delay| Duration::from_secs_f64(delay.min(cap)))
                    .collect();
                let ours = drawn(doubling, jitter, attempt as u32, 10_000);
                // Two samples of 10,000 from one distribution are further apart once in 10,000
                // times.
                let apart = distance(ours, by_hand);
                assert!(apart < 0.0315, "attempt {attempt}, cap {cap}: {apart}");
            }
        }
    }

    #[test]
    fn zero_width_jitter_draws_the_ceiling() {
        let backoff = Backoff::exponential(SECOND);
        for jitter in [
            Jitter::none(),
            Jitter::proportional(0.0),
            Jitter::proportional(-1.0),
            Jitter::proportional(f64::NAN),
            Jitter::above(0.0),
            Jitter::above(-1.0),
            Jitter::above(f64::NAN),
            Jitter::additive(Duration::ZERO, Duration::ZERO),
        ] {
            assert_eq!(drawn(backoff, jitter, 3, 3), [8 * SECOND; 3]);
        }
        let backwards = Jitter::additive(SECOND, Duration::ZERO);
        assert_eq!(drawn(backoff, backwards, 0, 1), [2 * SECOND]);
        for clamped in [Jitter::proportional(7.0), Jitter::above(7.0)] {
            let widest = drawn(backoff, clamped, 0, 100);
            assert!(widest.iter().all(|&delay| delay <= 2 * SECOND));
        }
    }

    #[test]
    fn different_seeds_draw_different_sequences() {
        let sequences: alloc::collections::BTreeSet<_> = (0..1_000)
            .map(|seed| {
                let mut delays = Delays::new(Backoff::default(), Jitter::full(), seed);
                [0, 1, 2].map(|retry| delays.draw(retry))
            })
            .collect();
        assert_eq!(sequences.len(), 1_000);
    }
}
