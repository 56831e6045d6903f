use std::time::Duration;

use svg::Document;
use svg::node::element::Group;

use crate::mark::{self, Mark};
use crate::page::{Page, Panels};
use crate::sign::{self, Sign};
use crate::{paint::Paint, scene, scene::Scene, shape};

/// A chart of a pacer's behaviour within seconds.
///
/// It shows scenes of its runs, one above the other, all equally long.
///
/// # Example
///
/// ```
/// use breather_sim::{Load, Server};
/// use breather_storm::{CloseUp, Course, Scene};
/// use std::time::Duration;
///
/// let course = Course::of(&Server::default(), &Load::spike(200), 1);
/// let scene = Scene::new("200 calls", course).with_cap_from(Duration::ZERO, 50);
/// let chart = CloseUp::new("A cap is found", "All at once.", Duration::from_secs(2)).with_scene(scene);
/// assert!(chart.description().contains("200 calls: "));
/// assert!(chart.document().to_string().contains("the server's cap"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CloseUp {
    title: String,
    words: String,
    span: Duration,
    scenes: Vec<Scene>,
}

impl CloseUp {
    /// Creates a chart without scenes.
    ///
    /// `words` describes the load in a sentence or two, and `span` is the length of each scene.
    pub fn new(title: impl Into<String>, words: impl Into<String>, span: Duration) -> Self {
        Self {
            title: title.into(),
            words: words.into(),
            span,
            scenes: Vec::new(),
        }
    }

    /// Adds a scene below the others.
    pub fn with_scene(mut self, scene: Scene) -> Self {
        self.scenes.push(scene);
        self
    }

    /// Draws the chart as an SVG.
    #[must_use]
    pub fn document(&self) -> Document {
        let page = Page {
            title: &self.title,
            words: &self.words,
            description: self.description(),
            legend: self.legend(),
            time: TIME,
        };
        page.document(Panels {
            groups: self.scenes.iter().map(|it| it.group(self.span)).collect(),
            distance: DISTANCE,
            plot: (scene::WIDTH, scene::DOWN),
        })
    }

    /// Describes the chart in words, for readers who can't see it.
    ///
    /// The SVG contains this description.
    #[must_use]
    pub fn description(&self) -> String {
        let scenes = self.scenes.iter().map(|it| it.description(self.span));
        [self.words.clone()]
            .into_iter()
            .chain(scenes)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Returns the legend. Its first row explains the plots, its second the strips and marks.
    fn legend(&self) -> Group {
        let any = |is: &dyn Fn(&Scene) -> bool| self.scenes.iter().any(is);
        let limit =
            |from, to| Group::new().add(shape::line(from, to, Paint::Ink).set("stroke-width", 1.5));
        let cap = |from, to| {
            let line = shape::line(from, to, Paint::Ideal).set("stroke-width", 1.5);
            Group::new().add(mark::dashed(line, "6 3"))
        };
        let mut plots = vec![
            Sign::block(Paint::Area, "attempts in flight"),
            Sign::level(limit, "learned concurrency limit"),
            Sign::block(Paint::Wait, "calls wait though there is room"),
        ];
        if any(&Scene::has_cap) {
            plots.push(Sign::level(cap, "the server's cap"));
        }
        let mut marks = vec![
            Sign::block(Paint::Accepted, "accepted"),
            Sign::block(Paint::ThrottledByCap, "throttled: too many in flight"),
            Sign::block(Paint::ThrottledByQuota, "throttled: quota spent"),
        ];
        if any(&|it| it.has_stated(self.span)) {
            marks.push(Sign::mark(Mark::Reset, "stated reset"));
        }
        if any(&|it| it.ends_within(self.span)) {
            marks.push(Sign::mark(Mark::End, "end"));
        }
        Group::new()
            .add(sign::row(plots, &[180.0, 240.0, 270.0]))
            .add(shape::moved(
                sign::row(marks, &[180.0, 240.0, 180.0, 130.0]),
                0.0,
                sign::ROW,
            ))
    }
}

const TIME: &str = "seconds since the load started";

/// From the top of one plot to the top of the next.
const DISTANCE: f64 = 208.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Course;
    use breather_sim::{Load, Server};

    #[test]
    fn each_scene_has_a_panel() {
        let second = Duration::from_secs(1);
        let course = Course::of(&Server::default(), &Load::spike(200), 1);
        let scene = |name| Scene::new(name, course.clone());
        let chart = CloseUp::new("Title", "Words.", second)
            .with_scene(scene("one"))
            .with_scene(scene("another").with_start(second));
        let svg = chart.document().to_string();
        assert!(svg.contains(&scene("one").description(second)));
        assert!(svg.contains(">\nanother\n<"));
        assert!(!svg.contains("the server's cap"));
        let capped = CloseUp::new("Title", "Words.", second);
        let capped = capped.with_scene(scene("one").with_cap_from(Duration::ZERO, 50));
        assert!(capped.document().to_string().contains("the server's cap"));
    }
}
