use std::time::Duration;

use breather_sim::Fate;
use svg::node::element::{Group, Path, Rectangle, path::Data};

use crate::axis::Axis;
use crate::course::{Course, Level};
use crate::mark::{self, Mark};
use crate::units::plural;
use crate::{frame, paint::Paint, shape};

/// Some seconds of a run in detail.
///
/// It shows the attempts in flight with their limit, each send, and when calls wait.
#[derive(Clone, Debug)]
#[must_use]
pub struct Scene {
    name: String,
    course: Course,
    start: Duration,
    /// The server's cap and the times of its changes. The pacer does not know it.
    caps: Vec<(Duration, u32)>,
}

impl Scene {
    /// Creates a scene of the first seconds of a run.
    pub fn new(name: impl Into<String>, course: Course) -> Self {
        Self {
            name: name.into(),
            course,
            start: Duration::ZERO,
            caps: Vec::new(),
        }
    }

    /// Sets a later start in the run.
    pub const fn with_start(mut self, start: Duration) -> Self {
        self.start = start;
        self
    }

    /// Shows the server's cap from `at` on. Add changes in their order.
    pub fn with_cap_from(mut self, at: Duration, cap: u32) -> Self {
        self.caps.push((at, cap));
        self
    }

    pub(crate) fn has_cap(&self) -> bool {
        !self.caps.is_empty()
    }

    /// Returns whether the run ends within `span` of the scene's start.
    pub(crate) fn ends_within(&self, span: Duration) -> bool {
        self.course.end() <= self.start + span
    }

    pub(crate) fn has_stated(&self, span: Duration) -> bool {
        self.stated(span).next().is_some()
    }

    /// Returns a short summary of the scene.
    pub(crate) fn summary(&self, span: Duration) -> String {
        let sends = self.course.sends(self.start, self.start + span);
        let count = |fates: &[Fate]| {
            let of_these = sends.iter().filter(|(_, fate)| fates.contains(fate));
            of_these.count() as u64
        };
        let failed = match count(&[Fate::Failed]) {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        format!(
            "{}, {} throttled{failed}",
            plural(sends.len() as u64, "send"),
            count(&[Fate::ThrottledCap, Fate::ThrottledQuota]),
        )
    }

    /// Returns the summary, followed by a description of the lines.
    pub(crate) fn description(&self, span: Duration) -> String {
        let levels = self.course.levels(self.start, self.start + span);
        let [first, last] = [levels.first(), levels.last()].map(|it| it.map_or(0, |it| it.limit));
        let most = levels.iter().map(|level| level.in_flight).max();
        format!(
            "{}: {}; at most {} in flight; the learned limit is {first} at the start and {last} at the end.",
            self.name,
            self.summary(span),
            most.unwrap_or_default(),
        )
    }

    /// Draws the scene. The origin is the upper left corner of the plot.
    pub(crate) fn group(&self, span: Duration) -> Group {
        let until = self.start + span;
        let levels = self.course.levels(self.start, until);
        let (start_s, until_s) = (self.start.as_secs_f64(), until.as_secs_f64());
        let time = Axis::between(start_s, until_s, WIDTH, TIME_TICKS);
        let caps = self.caps.iter().map(|&(_, cap)| cap);
        let levels_all = levels.iter().flat_map(|it| [it.in_flight, it.limit]);
        let most = levels_all.chain(caps).max().unwrap_or_default();
        let count = Axis::of_counts(most.into(), HEIGHT, COUNT_TICKS);
        let plot = Plot { time, count };

        let in_flight = plot.steps(levels.iter().map(|it| (it.at, it.in_flight)));
        let limit = plot.steps(levels.iter().map(|it| (it.at, it.limit)));
        let cap = plot.steps(self.caps.iter().copied());
        let limit = Path::new().set("d", line(&limit)).set("stroke-width", 1.5);
        let mut group = Group::new()
            .add(frame::heading(&self.name, &self.summary(span)))
            .add(rectangle(0.0, WIDTH, Paint::Run))
            .add(plot.waits(levels))
            .add(Paint::Area.fill(Path::new().set("d", area(&in_flight))))
            .add(frame::count_axis(&plot.count, WIDTH, "in flight"));
        if self.has_cap() {
            let path = Paint::Ideal.stroke(Path::new().set("d", line(&cap)));
            group = group.add(mark::dashed(path, "6 3").set("stroke-width", 1.5));
        }
        group = group.add(Paint::Ink.stroke(limit));
        for at in self.stated(span) {
            let x = plot.time.position(at.as_secs_f64());
            group = group.add(Mark::Reset.group(x, 0.0, HEIGHT));
        }
        if self.ends_within(span) {
            let x = plot.time.position(self.course.end().as_secs_f64());
            group = group.add(Mark::End.group(x, 0.0, HEIGHT));
        }
        group
            .add(self.ticks(&plot, span))
            .add(frame::time_axis(&plot.time, HEIGHT + STRIPS))
    }

    /// Returns the stated ends of holds within the scene.
    fn stated(&self, span: Duration) -> impl Iterator<Item = Duration> {
        let within = self.start..=self.start + span;
        let all = self.course.stated().iter().copied();
        all.filter(move |at| within.contains(at))
    }

    /// Draws a tick for each send below the plot, accepted ones in the upper strip, others in the
    /// lower one.
    fn ticks(&self, plot: &Plot, span: Duration) -> Group {
        let sends = self.course.sends(self.start, self.start + span);
        let mut group = Group::new();
        for (words, top) in [("accepted", ACCEPTED), ("throttled", REFUSED)] {
            let label = shape::label(words, -8.0, top + STRIP - 1.0);
            group = group.add(label.set("text-anchor", "end"));
        }
        for (fate, paint, top) in FATES {
            let mut data = Data::new();
            let mut drawn = None;
            for (at, _) in sends.iter().filter(|send| send.1 == fate) {
                let x = plot.x(*at);
                // Ticks at the same place are drawn once.
                if drawn != Some(x) {
                    data = data.move_to((x, top)).vertical_line_by(STRIP);
                    drawn = Some(x);
                }
            }
            if drawn.is_some() {
                group = group.add(paint.stroke(Path::new().set("d", data)));
            }
        }
        group
    }
}

/// The plot of a scene.
struct Plot {
    time: Axis,
    count: Axis,
}

impl Plot {
    /// Returns a position within the plot, rounded to half a pixel.
    fn x(&self, at: Duration) -> f64 {
        let x = self.time.position(at.as_secs_f64());
        (x * 2.0).round().clamp(0.0, WIDTH * 2.0) / 2.0
    }

    /// Returns the steps through these points. Each value holds until the next one, the last to the
    /// end.
    fn steps(&self, points: impl IntoIterator<Item = (Duration, u32)>) -> Vec<(f64, f64)> {
        let mut steps: Vec<(f64, f64)> = Vec::new();
        for (at, count) in points {
            let y = HEIGHT - self.count.position(count.into());
            let (x, y) = (self.x(at), shape::rounded(y));
            // Of several changes within one pixel, only the last is drawn.
            if steps.last().is_some_and(|last| x - last.0 < 1.0) {
                let x = steps.pop().map_or(x, |last| last.0);
                steps.push((x, y));
            } else {
                steps.push((x, y));
            }
        }
        steps.dedup_by(|next, one| next.1 == one.1);
        steps
    }

    /// Draws the times in which calls wait although there is room in flight.
    fn waits(&self, levels: &[Level]) -> Group {
        let end = [(WIDTH, false)];
        let turns = levels.iter().map(|it| (self.x(it.at), it.waits)).chain(end);
        let mut group = Group::new();
        let mut since = None;
        for (x, waits) in turns {
            match since {
                None if waits => since = Some(x),
                Some(left) if !waits => {
                    if x > left {
                        group = group.add(rectangle(left, x, Paint::Wait));
                    }
                    since = None;
                }
                _ => {}
            }
        }
        group
    }
}

/// Returns a line along steps, to the right end of the plot.
fn line(steps: &[(f64, f64)]) -> Data {
    let Some((&first, rest)) = steps.split_first() else {
        return Data::new();
    };
    let data = rest
        .iter()
        .fold(Data::new().move_to(first), |data, &(x, y)| {
            data.horizontal_line_to(x).vertical_line_to(y)
        });
    data.horizontal_line_to(WIDTH)
}

/// Returns the area below the line.
fn area(steps: &[(f64, f64)]) -> Data {
    let left = steps.first().map_or(0.0, |first| first.0);
    line(steps)
        .vertical_line_to(HEIGHT)
        .horizontal_line_to(left)
        .close()
}

fn rectangle(left: f64, right: f64, paint: Paint) -> Rectangle {
    let rectangle = Rectangle::new()
        .set("x", left)
        .set("width", right - left)
        .set("height", HEIGHT);
    paint.fill(rectangle)
}

/// In pixels, like all lengths.
pub(crate) const WIDTH: f64 = 840.0;
const HEIGHT: f64 = 108.0;

/// The height of two strips of ticks, with the space between the plot and its axis.
const STRIPS: f64 = 30.0;
const STRIP: f64 = 10.0;
const ACCEPTED: f64 = HEIGHT + 5.0;
const REFUSED: f64 = HEIGHT + 17.0;

/// The height of the plot and everything down to the time axis.
pub(crate) const DOWN: f64 = HEIGHT + STRIPS;

const TIME_TICKS: u32 = 12;
const COUNT_TICKS: u32 = 4;

const FATES: [(Fate, Paint, f64); 4] = [
    (Fate::Accepted, Paint::Accepted, ACCEPTED),
    (Fate::Failed, Paint::Failed, REFUSED),
    (Fate::ThrottledCap, Paint::ThrottledByCap, REFUSED),
    (Fate::ThrottledQuota, Paint::ThrottledByQuota, REFUSED),
];

#[cfg(test)]
mod tests {
    use svg::node::Value;

    use super::*;
    use breather_sim::{Load, Server};

    #[test]
    fn line_follows_its_steps() {
        let steps = plot().steps([(0, 1), (2_000, 4), (2_000, 3), (5_000, 3), (6_000, 0)].map(ms));
        assert_eq!(steps, [(0.0, 81.0), (168.0, 27.0), (504.0, 108.0)]);
        let words = Value::from(line(&steps)).to_string();
        assert_eq!(words, "M0,81 H168 V27 H504 V108 H840");
        let words = Value::from(area(&steps)).to_string();
        assert_eq!(words, "M0,81 H168 V27 H504 V108 H840 V108 H0 z");
    }

    #[test]
    fn waiting_is_shown_until_a_send() {
        let level = |millis, waits| Level {
            at: Duration::from_millis(millis),
            in_flight: 0,
            limit: 4,
            waits,
        };
        let waits = [
            level(0, false),
            level(1_000, true),
            level(3_000, false),
            level(9_000, true),
        ];
        let group = plot().waits(&waits).to_string();
        assert_eq!(group.matches("<rect").count(), 2);
        assert!(group.contains(r#"width="168" x="84""#), "{group}");
        assert!(group.contains(r#"width="84" x="756""#), "{group}");
    }

    #[test]
    fn scene_is_a_part_of_its_run() {
        let course = Course::of(&Server::default(), &Load::spike(400), 1);
        let all = course.sends(Duration::ZERO, course.end()).len();
        let first = course.sends(Duration::ZERO, Duration::from_secs(59)).len();
        let scene = Scene::new("reset", course).with_start(Duration::from_secs(59));
        let second = Duration::from_secs(1);
        assert_eq!(scene.summary(second / 2), "0 sends, 0 throttled");
        assert!(!scene.has_stated(second / 2) && scene.has_stated(2 * second));
        assert!(!scene.ends_within(second) && scene.ends_within(4 * second));
        let sends = format!("{} sends, ", all - first);
        assert!(scene.summary(4 * second).starts_with(&sends));
    }

    /// A plot of ten seconds, with four in flight.
    fn plot() -> Plot {
        Plot {
            time: Axis::between(0.0, 10.0, WIDTH, TIME_TICKS),
            count: Axis::of_counts(4, HEIGHT, COUNT_TICKS),
        }
    }

    fn ms((millis, count): (u64, u32)) -> (Duration, u32) {
        (Duration::from_millis(millis), count)
    }
}
