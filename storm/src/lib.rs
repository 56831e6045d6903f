//! Draws the sends of clients over time as an SVG, and the behaviour of a pacer within seconds.
//!
//! A [`Chart`] has a [`Track`] for each client. A [`CloseUp`] has a [`Scene`] for each part of a
//! pacer's [`Course`].
//!
//! The program of this package, `cargo run --release -p breather-storm -- --help`, compares clients
//! in the simulator.
//!
//! # Example
//!
//! ```
//! use breather_sim::{Client, Load, Server, run_client};
//! use breather_storm::{Chart, Track};
//! use std::time::Duration;
//!
//! let (server, load) = (Server::default(), Load::spike(400));
//! let mut chart = Chart::new("400 calls at once.", server.ideal(&load, 1).makespan())
//!     .with_window(Duration::from_secs(60));
//! for client in [Client::LoopCapped, Client::Breather] {
//!     chart = chart.with_track(Track::of_run(client.name(), &run_client(&server, &load, &client, 1)));
//! }
//! let svg = chart.document().to_string();
//! assert!(svg.contains("breather") && svg.contains("reset of the quota, every 60 s"));
//! ```

mod axis;
mod bars;
mod bins;
mod close_up;
mod course;
mod frame;
mod legend;
mod mark;
mod page;
mod paint;
mod panel;
mod scales;
mod scene;
mod shape;
mod sign;
mod track;
mod units;

use std::time::Duration;

use svg::Document;

pub use self::bins::{Bin, Bins};
pub use self::close_up::CloseUp;
pub use self::course::Course;
pub use self::scene::Scene;
pub use self::track::Track;
pub use self::units::{decimal, plural, thousands};

use self::legend::Legend;
use self::page::{Page, Panels};
use self::panel::Panel;
use self::scales::Scales;

/// A chart of the sends of each client over time.
///
/// Each client has a panel. The panels are one above the other and share their scales.
#[derive(Clone, Debug)]
#[must_use]
pub struct Chart {
    title: String,
    load: String,
    ideal: Duration,
    window: Option<Duration>,
    tracks: Vec<Track>,
}

impl Chart {
    /// Creates a chart without clients.
    ///
    /// `load` describes the load in a sentence or two, and `ideal` is the makespan of the ideal.
    pub fn new(load: impl Into<String>, ideal: Duration) -> Self {
        Self {
            title: TITLE.to_owned(),
            load: load.into(),
            ideal,
            window: None,
            tracks: Vec::new(),
        }
    }

    /// Sets the title. By default, it asks who storms the API.
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Marks the resets of a quota, one each `window`.
    ///
    /// A `window` of zero removes the marks.
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = if window.is_zero() { None } else { Some(window) };
        self
    }

    /// Adds the track of a client below the others.
    pub fn with_track(mut self, track: Track) -> Self {
        self.tracks.push(track);
        self
    }

    /// Draws the chart as an SVG.
    #[must_use]
    pub fn document(&self) -> Document {
        let scales = self.scales();
        let panels = self.panels(&scales);
        let page = Page {
            title: &self.title,
            words: &self.load,
            description: self.description(),
            legend: self.legend(&scales).group(),
            time: TIME,
        };
        page.document(Panels {
            groups: panels.iter().map(|panel| panel.group(&scales)).collect(),
            distance: PANEL,
            plot: (scales.time.length(), scales.sends.length()),
        })
    }

    /// Describes the chart in words, for readers who can't see it.
    ///
    /// The SVG contains this description.
    #[must_use]
    pub fn description(&self) -> String {
        let scales = self.scales();
        let ideal = decimal(scales.ideal_s);
        let mut words = format!("{} The ideal finish is at {ideal} s.", self.load);
        for panel in self.panels(&scales) {
            words.push_str(&format!(
                " {}: {}; at most {}.",
                panel.name(),
                panel.summary(),
                panel.most_sends(&scales),
            ));
        }
        words
    }

    fn scales(&self) -> Scales {
        Scales::new(self.window, self.ideal, &self.tracks)
    }

    fn panels(&self, scales: &Scales) -> Vec<Panel<'_>> {
        let tracks = self.tracks.iter();
        tracks.map(|track| Panel::new(track, scales)).collect()
    }

    fn legend<'s>(&self, scales: &'s Scales) -> Legend<'s> {
        let has_completions = self.tracks.iter().any(|it| !it.completions.is_empty());
        let has_failures = self.tracks.iter().any(Track::has_failures);
        Legend::new(scales, has_completions, has_failures)
    }
}

const TITLE: &str = "Who storms the API, and who does not";
const TIME: &str = "seconds since the client's load started";

/// From the top of one plot to the top of the next.
const PANEL: f64 = 168.0;

#[cfg(test)]
mod tests {
    use svg::{node::element::tag::Type, parser::Event};

    use super::*;

    #[test]
    fn each_client_has_a_panel() {
        let chart = chart([track("one", 2_000), track("another", 50_000)]);
        assert!(chart.contains("one: 3 calls; at most 3 in 0.4 s."));
        assert!(chart.contains("another: 3 calls; at most 3 "));
        assert_eq!(chart.matches("done: ").count(), 2);
        // At 20 s of 50 s, on an axis 762 pixels long.
        assert!(chart.contains(r#"x1="304.8""#));
    }

    #[test]
    fn cut_off_client_is_not_shown_as_done() {
        let chart = chart([track("slow", 2_000).cut_off()]);
        assert!(chart.contains("cut off: 2.0 s"));
        assert!(!chart.contains("done: "));
    }

    #[test]
    fn completions_and_resets_are_shown_if_present() {
        let bare = chart([track("one", 2_000)]);
        assert!(!bare.contains("calls done"));
        let seconds = [1, 2].map(Duration::from_secs);
        let full = chart([track("one", 2_000).with_completions(&seconds, 2)]);
        assert!(full.contains("calls done"));
        let without = Chart::new("", Duration::from_secs(1))
            .document()
            .to_string();
        assert!(!without.contains("reset of the quota"));
    }

    #[test]
    fn failures_are_in_the_legend_if_present() {
        let of = |failed| {
            let bin = Bin {
                accepted: 1,
                failed,
                ..Bin::default()
            };
            let second = Duration::from_secs(1);
            chart([Track::new("one", Bins::new(second, vec![bin]), second)])
        };
        let has_word = |chart: String| chart.contains(">\nfailed\n<");
        assert!(has_word(of(1)));
        assert!(!has_word(of(0)));
    }

    #[test]
    fn each_chart_has_its_title() {
        let chart = Chart::new("", Duration::from_secs(1));
        let title = |chart: Chart| chart.document().to_string().matches("Who storms").count();
        assert_eq!(title(chart.clone()), 2);
        assert_eq!(title(chart.with_title("Another")), 0);
    }

    #[test]
    fn any_name_makes_a_well_formed_chart() {
        let name = r#"</text><script>"&'"#;
        let chart = chart([track(name, 2_000)]);
        assert!(chart.contains("&lt;/text&gt;&lt;script&gt;\"&amp;'"));
        let mut open = Vec::new();
        for event in svg::read(&chart).unwrap() {
            match event {
                Event::Tag(tag, Type::Start, _) => open.push(tag),
                Event::Tag(tag, Type::End, _) => {
                    assert_eq!(open.pop(), Some(tag));
                }
                Event::Error(error) => panic!("{error}"),
                _ => {}
            }
            assert_ne!(open.last(), Some(&"script"));
        }
        assert!(open.is_empty());
    }

    fn chart<const N: usize>(tracks: [Track; N]) -> String {
        let chart =
            Chart::new("A load.", Duration::from_secs(1)).with_window(Duration::from_secs(10));
        let chart = tracks.into_iter().fold(chart, Chart::with_track);
        chart.document().to_string()
    }

    fn track(name: &str, end_ms: u64) -> Track {
        let bin = Bin {
            accepted: 3,
            ..Bin::default()
        };
        let bins = Bins::new(Duration::from_millis(100), vec![bin]);
        Track::new(name, bins, Duration::from_millis(end_ms)).with_summary("3 calls")
    }
}
