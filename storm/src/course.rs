use std::ops::ControlFlow;
use std::time::Duration;

use breather::driver::Instant;
use breather_sim::{Fate, Happening, Load, Run, Server, Watch, run_watched};

/// The state and the sends of a pacer during a run.
#[derive(Clone, Debug)]
pub struct Course {
    /// In ascending order, one for each change.
    levels: Vec<Level>,
    sends: Vec<(Duration, Fate)>,
    /// The ends of holds, as the server stated them.
    stated: Vec<Duration>,
}

/// The state of a pacer from a moment on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Level {
    pub(crate) at: Duration,
    pub(crate) in_flight: u32,
    /// The limit on attempts in flight.
    pub(crate) limit: u32,
    /// Whether calls wait although there is room in flight.
    pub(crate) waits: bool,
}

impl Course {
    /// Plays the load with breather, in a single process without network jitter.
    ///
    /// Other settings of `load` and `server` for processes and jitter are ignored. Several
    /// processes would have a pacer each. With jitter, requests overtake each other, and only the
    /// server knows which one it throttled.
    #[must_use]
    pub fn of(server: &Server, load: &Load, seed: u64) -> Self {
        let server = server.clone().with_jitter(Duration::ZERO);
        let mut recorder = Recorder::default();
        let run = run_watched(&server, &load.with_processes(1), seed, &mut recorder);
        recorder.course(&run)
    }

    /// Returns the states within a period, beginning with the state at `from`.
    pub(crate) fn levels(&self, from: Duration, until: Duration) -> &[Level] {
        let after = self.levels.partition_point(|level| level.at <= from);
        let end = self.levels.partition_point(|level| level.at <= until);
        &self.levels[after.saturating_sub(1)..end]
    }

    /// Returns the sends within a period, with their fates.
    pub(crate) fn sends(&self, from: Duration, until: Duration) -> &[(Duration, Fate)] {
        let first = self.sends.partition_point(|&(at, _)| at < from);
        let end = self.sends.partition_point(|&(at, _)| at <= until);
        &self.sends[first..end]
    }

    /// Returns the ends of holds, as the server stated them.
    pub(crate) fn stated(&self) -> &[Duration] {
        &self.stated
    }

    /// Returns when the last call ended.
    pub(crate) fn end(&self) -> Duration {
        self.levels.last().map_or(Duration::ZERO, |level| level.at)
    }
}

/// Records a run.
#[derive(Default)]
struct Recorder {
    levels: Vec<Level>,
    sends: Vec<Duration>,
    stated: Vec<Duration>,
    opens: Option<Duration>,
}

impl Recorder {
    /// Builds the course. Requests reach the server in the order in which they were sent.
    fn course(self, run: &Run) -> Course {
        let fates = run.fates().iter().copied();
        Course {
            levels: self.levels,
            sends: self.sends.into_iter().zip(fates).collect(),
            stated: self.stated,
        }
    }

    fn on_level(&mut self, level: Level) {
        if self.levels.last().is_some_and(|last| last.at == level.at) {
            self.levels.pop();
        }
        self.levels.push(level);
    }

    /// Records the end of a hold. The server states it ever more precisely, so the last value
    /// counts.
    fn on_hold(&mut self, now: Duration, opens: Option<Duration>) {
        if let Some(at) = self.opens.filter(|&at| opens.is_none() && at <= now) {
            self.stated.push(at);
        }
        self.opens = opens;
    }
}

impl Watch for Recorder {
    fn on(&mut self, now: Instant, happening: Happening<'_>) -> ControlFlow<()> {
        let since_start = |at: Instant| at.duration_since(Instant::ORIGIN);
        let at = since_start(now);
        match happening {
            Happening::Sent { .. } => self.sends.push(at),
            Happening::Settled {
                opens,
                in_flight,
                waiting,
                concurrency,
                ..
            } => {
                self.on_level(Level {
                    at,
                    in_flight,
                    limit: concurrency,
                    waits: waiting > 0 && in_flight < concurrency,
                });
                self.on_hold(at, opens.map(since_start));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn course() -> Course {
        Course::of(&Server::default(), &Load::spike(400), 1)
    }

    #[test]
    fn course_begins_with_an_uninformed_pacer() {
        let course = course();
        let first = course.levels(Duration::ZERO, MS)[0];
        assert_eq!((first.in_flight, first.limit, first.waits), (30, 30, false));
        assert_eq!(course.sends(Duration::ZERO, Duration::ZERO).len(), 30);
        assert_eq!(course.levels(course.end(), course.end())[0].in_flight, 0);
    }

    #[test]
    fn hold_is_recorded_with_its_end() {
        let course = course();
        let held = course.levels(30_000 * MS, 31_000 * MS);
        assert!(held.len() == 1 && held[0].waits, "{held:?}");
        assert_eq!(course.stated().len(), 1);
        let late = course.stated()[0].abs_diff(60_000 * MS);
        assert!(late < 20 * MS, "{:?}", course.stated());
    }

    #[test]
    fn every_send_has_its_fate() {
        let run = run_watched(
            &Server::default(),
            &Load::spike(400),
            1,
            &mut Recorder::default(),
        );
        let course = course();
        let sends = course.sends(Duration::ZERO, course.end());
        assert_eq!(sends.len(), run.sends());
        let throttled = sends.iter().filter(|(_, fate)| *fate == Fate::ThrottledCap);
        assert_eq!(throttled.count(), run.throttled_cap());
    }
}
