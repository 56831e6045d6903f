//! Sends over time, client beside client, as an SVG.
//!
//! # Example
//!
//! ```
//! use breather_sim::chart::{Chart, Track};
//! use breather_sim::{Client, Load, Server, run_client};
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
mod legend;
mod mark;
mod paint;
mod panel;
mod scales;
mod shape;
mod track;
mod units;

use std::time::Duration;

use svg::{
    Document,
    node::{
        self,
        element::{Description, Rectangle, Style, Title},
    },
};

pub use self::bins::{Bin, Bins};
pub use self::track::Track;
pub use self::units::{decimal, plural, thousands};

use self::legend::Legend;
use self::paint::Paint;
use self::panel::Panel;
use self::scales::Scales;

/// The sends of each client over time: a panel each, one above the other, all on the same scales.
#[derive(Clone, Debug)]
#[must_use]
pub struct Chart {
    load: String,
    ideal: Duration,
    window: Option<Duration>,
    tracks: Vec<Track>,
}

impl Chart {
    /// A chart without clients: what they are to do, in a sentence or two, and the time in which it could be done.
    pub fn new(load: impl Into<String>, ideal: Duration) -> Self {
        Self {
            load: load.into(),
            ideal,
            window: None,
            tracks: Vec::new(),
        }
    }

    /// Marks the resets of a quota, one each `window`. A window of nothing has none.
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = if window.is_zero() { None } else { Some(window) };
        self
    }

    /// Adds what one client did, below the others.
    pub fn with_track(mut self, track: Track) -> Self {
        self.tracks.push(track);
        self
    }

    /// The chart as an SVG.
    #[must_use]
    pub fn document(&self) -> Document {
        let scales = Scales::new(self.window, self.ideal, &self.tracks);
        let panels: Vec<_> = self
            .tracks
            .iter()
            .map(|it| Panel::new(it, &scales))
            .collect();
        let below_first = PANEL * (panels.len() as f64 - 1.0);
        let lines = lines(&self.load);
        let further_lines = LINE * (lines.len() as f64 - 1.0);
        let header = HEADER + further_lines;
        let height = header + below_first + scales.sends.length() + FOOTER;
        let mut document = Document::new()
            .set("width", WIDTH)
            .set("height", height)
            .set("viewBox", (0, 0, WIDTH, height))
            .set("class", Paint::PAGE)
            .set("font-family", FONTS)
            .set("role", "img")
            .set("aria-labelledby", "title description")
            .add(Title::new(TITLE).set("id", "title"))
            .add(self.description(&panels, &scales).set("id", "description"))
            .add(Style::new(Paint::style()))
            .add(background())
            .add(shape::title(TITLE, LEFT, 34.0));
        for (index, line) in lines.iter().enumerate() {
            let y = 56.0 + LINE * index as f64;
            document = document.add(shape::text(line, LEFT, y, Paint::Faint));
        }
        let legend = self.legend(&scales).group();
        document = document.add(shape::moved(legend, LEFT, 82.0 + further_lines));
        for (index, panel) in panels.iter().enumerate() {
            let top = header + PANEL * index as f64;
            document = document.add(shape::moved(panel.group(&scales), LEFT, top));
        }
        let middle = LEFT + scales.time.length() / 2.0;
        document.add(
            shape::text(TIME, middle, height - 16.0, Paint::Faint).set("text-anchor", "middle"),
        )
    }

    /// The chart in words, for whoever can't see it.
    fn description(&self, panels: &[Panel<'_>], scales: &Scales) -> Description {
        let mut words = format!(
            "{} The ideal finish is at {} s.",
            self.load,
            decimal(scales.ideal_s)
        );
        for panel in panels {
            words.push_str(&format!(
                " {}: {}; at most {}.",
                panel.name(),
                panel.summary(),
                panel.most_sends(scales),
            ));
        }
        Description::new().add(node::Text::new(words))
    }

    fn legend<'s>(&self, scales: &'s Scales) -> Legend<'s> {
        let has_completions = self.tracks.iter().any(|it| !it.completions.is_empty());
        let has_failures = self.tracks.iter().any(Track::has_failures);
        Legend::new(scales, has_completions, has_failures)
    }
}

/// What an SVG does not do by itself. There is one line at least.
fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < LONGEST_LINE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn background() -> Rectangle {
    let rectangle = Rectangle::new().set("width", "100%").set("height", "100%");
    Paint::Background.fill(rectangle)
}

const TITLE: &str = "Who storms the API, and who does not";
const TIME: &str = "seconds since the client's load started";
const FONTS: &str = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";

const WIDTH: f64 = 960.0;
const LEFT: f64 = 72.0;

/// Down to the first plot, and from the last one on.
const HEADER: f64 = 154.0;
const FOOTER: f64 = 60.0;

/// From one line of what the clients are to do to the next, and how many letters, of 7 at most in the mean, stand
/// on one beside the margins.
const LINE: f64 = 18.0;
const LONGEST_LINE: usize = 120;

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
        // At 20 s, 762 of 50 s long.
        assert!(chart.contains(r#"x1="304.8""#));
    }

    #[test]
    fn who_is_cut_off_is_told_from_who_is_done() {
        let chart = chart([track("slow", 2_000).cut_off()]);
        assert!(chart.contains("cut off: 2.0 s"));
        assert!(!chart.contains("done: "));
    }

    #[test]
    fn completions_and_resets_are_shown_where_there_are_some() {
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
    fn what_failed_is_in_the_legend_where_something_did() {
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
    fn what_is_long_stands_on_several_lines() {
        assert_eq!(lines(""), [""]);
        let word = "a".repeat(40);
        let long = [&*word; 5].join(" ");
        let several = lines(&long);
        assert_eq!(several.len(), 3);
        assert_eq!(several.join(" "), long);
        assert!(several.iter().all(|line| line.len() <= LONGEST_LINE));
        let height = |load: &str| {
            let chart = Chart::new(load, Duration::from_secs(1)).document();
            chart.get_attributes()["height"].to_string()
        };
        let [short, long] = [height("short"), height(&long)].map(|it| it.parse::<f64>().unwrap());
        assert_eq!(long - short, 2.0 * LINE);
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
