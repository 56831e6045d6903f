use breather_sim::Ideal;
use svg::{
    Document,
    node::{
        self,
        element::{Description, Rectangle, Style, Title},
    },
};

use crate::{
    options::Options,
    row::Row,
    units::{decimal, plural, thousands},
};

use legend::Legend;
use paint::Paint;
use panel::Panel;
use scales::Scales;

mod axis;
mod bars;
mod legend;
mod mark;
mod paint;
mod panel;
mod scales;
mod shape;

/// The sends of each client over time: a panel each, one above the other, all on the same scales.
#[derive(Debug)]
pub(crate) struct Chart<'r> {
    load: String,
    scales: Scales,
    panels: Vec<Panel<'r>>,
}

impl<'r> Chart<'r> {
    pub(crate) fn new(options: &Options, ideal: &Ideal, rows: &'r [Row]) -> Self {
        let scales = Scales::new(options.server().window(), ideal.makespan(), rows);
        Self {
            load: load(options),
            panels: rows.iter().map(|row| Panel::new(row, &scales)).collect(),
            scales,
        }
    }

    /// The chart as an SVG.
    pub(crate) fn document(&self) -> Document {
        let below_first = PANEL * (self.panels.len() as f64 - 1.0);
        let height = HEADER + below_first + self.scales.sends.length() + FOOTER;
        let mut document = Document::new()
            .set("width", WIDTH)
            .set("height", height)
            .set("viewBox", (0, 0, WIDTH, height))
            .set("class", Paint::PAGE)
            .set("font-family", FONTS)
            .set("role", "img")
            .set("aria-labelledby", "title description")
            .add(Title::new(TITLE).set("id", "title"))
            .add(self.description().set("id", "description"))
            .add(Style::new(Paint::style()))
            .add(background())
            .add(shape::title(TITLE, LEFT, 34.0))
            .add(shape::text(&self.load, LEFT, 56.0, Paint::Faint))
            .add(shape::moved(Legend::new(&self.scales).group(), LEFT, 82.0));
        for (index, panel) in self.panels.iter().enumerate() {
            let top = HEADER + PANEL * index as f64;
            document = document.add(shape::moved(panel.group(&self.scales), LEFT, top));
        }
        let middle = LEFT + self.scales.time.length() / 2.0;
        document.add(
            shape::text(TIME, middle, height - 16.0, Paint::Faint).set("text-anchor", "middle"),
        )
    }

    /// The chart in words, for whoever can't see it.
    fn description(&self) -> Description {
        let mut words = format!(
            "{} The ideal finish is at {} s.",
            self.load,
            decimal(self.scales.ideal_s)
        );
        for panel in &self.panels {
            words.push_str(&format!(
                " {}: {}; at most {}.",
                panel.name(),
                panel.summary(),
                panel.most_sends(&self.scales),
            ));
        }
        Description::new().add(node::Text::new(words))
    }
}

/// What the clients were to do.
fn load(options: &Options) -> String {
    let server = options.server();
    format!(
        "{} by {}, all started at once. The API accepts {} in {} s and {} in flight, and refuses all \
         others at once.",
        plural(options.calls, "call"),
        plural(options.callers, "caller"),
        thousands(server.quota().get().into()),
        server.window().as_secs_f64(),
        thousands(server.cap().get().into()),
    )
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

/// From the top of one plot to the top of the next.
const PANEL: f64 = 168.0;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use breather_examples::analytics::{Stats, Timeline};
    use clap::Parser;
    use reqwest::StatusCode;
    use svg::{node::element::tag::Type, parser::Event};

    use crate::{
        client::Client,
        load::{Completion, Run},
    };

    use super::*;

    #[test]
    fn each_client_has_a_panel() {
        let chart = chart(&[row("one", 3, 2_000), row("another", 3, 50_000)]);
        assert!(chart.contains("3 calls, 1,200 sends, 0 refused, 2.0 s"));
        assert!(chart.contains("3 calls, 1,200 sends, 0 refused, 50.0 s"));
        assert_eq!(chart.matches("done: ").count(), 2);
        // At 20 s, 762 of 50 s long.
        assert!(chart.contains(r#"x1="304.8""#));
    }

    #[test]
    fn who_is_cut_off_is_told_from_who_is_done() {
        let chart = chart(&[row("slow", 1, 2_000)]);
        assert!(chart.contains("3 calls, 1,200 sends, 0 refused, cut off at 60.0 s, 2 not done"));
        assert!(chart.contains("cut off: 60.0 s"));
        assert!(!chart.contains("done: "));
    }

    #[test]
    fn any_name_makes_a_well_formed_chart() {
        let name = r#"</text><script>"&'"#;
        let chart = chart(&[row(name, 3, 2_000)]);
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

    fn chart(rows: &[Row]) -> String {
        let options = Options::parse_from(["spike"]);
        let ideal = Ideal::new(300, Duration::from_secs(10), 50, [Duration::from_secs(1)]);
        Chart::new(&options, &ideal, rows).document().to_string()
    }

    /// Three calls of which so many are done, the last of them at this time.
    fn row(name: &str, done: u32, end_ms: u64) -> Row {
        let completion = |number: u32| Completion {
            at: Duration::from_millis(end_ms) / (done - number),
            result: Ok(StatusCode::OK),
        };
        let mut timeline = Timeline::default();
        timeline.on_accepted(Instant::now());
        let mut stats = Stats::default();
        stats.sends = 1200;
        let run = Run {
            limit: Duration::from_secs(60),
            completions: (0..done).map(completion).collect(),
            stats,
            timeline,
            first_send: Duration::ZERO,
        };
        let ideal = Ideal::new(1, Duration::from_secs(1), 1, [Duration::from_secs(1)]);
        let mut row = Row::new(Client::Loop, 3, &ideal, run);
        row.name = name.to_owned();
        row
    }
}
