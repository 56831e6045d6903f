use svg::Document;
use svg::node::Text;
use svg::node::element::{Description, Group, Rectangle, Style, Title};

use crate::{paint::Paint, shape};

/// A document with a title, words, a legend and panels, one above the other.
#[derive(Debug)]
pub(crate) struct Page<'p> {
    pub(crate) title: &'p str,
    /// The description of the load, in a sentence or two.
    pub(crate) words: &'p str,
    /// The description of the chart in words.
    pub(crate) description: String,
    /// The legend, of two rows.
    pub(crate) legend: Group,
    /// The title of the time axis.
    pub(crate) time: &'p str,
}

/// The panels of a page.
#[derive(Debug)]
pub(crate) struct Panels {
    /// Each with its origin in the upper left corner of its plot.
    pub(crate) groups: Vec<Group>,
    /// From the top of one plot to the top of the next.
    pub(crate) distance: f64,
    /// The width of each plot, and its height including everything down to its axis labels.
    pub(crate) plot: (f64, f64),
}

impl Page<'_> {
    pub(crate) fn document(self, panels: Panels) -> Document {
        let below_first = panels.distance * (panels.groups.len() as f64 - 1.0);
        let lines = lines(self.words);
        let further_lines = LINE * (lines.len() as f64 - 1.0);
        let header = HEADER + further_lines;
        let height = header + below_first + panels.plot.1 + FOOTER;
        let description = Description::new().add(Text::new(self.description));
        let mut document = Document::new()
            .set("width", WIDTH)
            .set("height", height)
            .set("viewBox", (0, 0, WIDTH, height))
            .set("class", Paint::PAGE)
            .set("font-family", FONTS)
            .set("role", "img")
            .set("aria-labelledby", "title description")
            .add(Title::new(self.title).set("id", "title"))
            .add(description.set("id", "description"))
            .add(Style::new(Paint::style()))
            .add(background())
            .add(shape::title(self.title, LEFT, 34.0));
        for (index, line) in lines.iter().enumerate() {
            let y = 56.0 + LINE * index as f64;
            document = document.add(shape::text(line, LEFT, y, Paint::Faint));
        }
        document = document.add(shape::moved(self.legend, LEFT, 82.0 + further_lines));
        for (index, group) in panels.groups.into_iter().enumerate() {
            let top = header + panels.distance * index as f64;
            document = document.add(shape::moved(group, LEFT, top));
        }
        let middle = LEFT + panels.plot.0 / 2.0;
        let time = shape::text(self.time, middle, height - 16.0, Paint::Faint);
        document.add(time.set("text-anchor", "middle"))
    }
}

/// Breaks text into lines, which SVG does not do by itself. There is at least one line.
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

const FONTS: &str = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";

const WIDTH: f64 = 960.0;
const LEFT: f64 = 72.0;

/// The heights above the first plot and below the last one.
const HEADER: f64 = 154.0;
const FOOTER: f64 = 60.0;

/// The distance of text lines, and the most characters on a line within the margins. A character is
/// at most 7 pixels wide on average.
const LINE: f64 = 18.0;
const LONGEST_LINE: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_into_lines() {
        assert_eq!(lines(""), [""]);
        let word = "a".repeat(40);
        let long = [&*word; 5].join(" ");
        let several = lines(&long);
        assert_eq!(several.len(), 3);
        assert_eq!(several.join(" "), long);
        assert!(several.iter().all(|line| line.len() <= LONGEST_LINE));
        let [short, long] = ["short", &long].map(height);
        assert_eq!(long - short, 2.0 * LINE);
    }

    fn height(words: &str) -> f64 {
        let page = Page {
            title: "",
            words,
            description: String::new(),
            legend: Group::new(),
            time: "",
        };
        let panels = Panels {
            groups: vec![Group::new()],
            distance: 100.0,
            plot: (100.0, 100.0),
        };
        let document = page.document(panels);
        let height = document.get_attributes()["height"].to_string();
        height.parse().unwrap()
    }
}
