use svg::Node;

/// A colour by its purpose, in light and dark surroundings.
///
/// The light colour is set on each element, so all renderers know it. A style sheet replaces it if
/// the reader prefers dark. People who are colour-blind can distinguish blue from orange, and the
/// two oranges by their lightness.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Paint {
    Background,
    /// The background of a plot, as long as the run.
    Run,
    /// The background of a time in which calls wait.
    Wait,
    /// An area under a line.
    Area,
    Grid,
    Ink,
    Faint,
    Reset,
    Ideal,
    Accepted,
    ThrottledByQuota,
    ThrottledByCap,
    Failed,
}

impl Paint {
    /// The class of the document itself.
    pub(crate) const PAGE: &'static str = "page";

    const ALL: [Self; 13] = [
        Self::Background,
        Self::Run,
        Self::Wait,
        Self::Area,
        Self::Grid,
        Self::Ink,
        Self::Faint,
        Self::Reset,
        Self::Ideal,
        Self::Accepted,
        Self::ThrottledByQuota,
        Self::ThrottledByCap,
        Self::Failed,
    ];

    pub(crate) fn fill<N: Node>(self, mut node: N) -> N {
        node.assign("class", format!("{}-fill", self.name()));
        node.assign("fill", self.light());
        node
    }

    pub(crate) fn stroke<N: Node>(self, mut node: N) -> N {
        node.assign("class", format!("{}-stroke", self.name()));
        node.assign("stroke", self.light());
        node.assign("fill", "none");
        node
    }

    /// Returns the style sheet.
    pub(crate) fn style() -> String {
        let page = |paint: &str| format!(".{} {{ background: {paint} }}\n", Self::PAGE);
        let dark: String = Self::ALL
            .into_iter()
            .map(|paint| {
                let (name, colour) = (paint.name(), paint.dark());
                format!(".{name}-fill {{ fill: {colour} }} .{name}-stroke {{ stroke: {colour} }}\n")
            })
            .collect();
        format!(
            "{}@media (prefers-color-scheme: dark) {{\n{}{dark}}}",
            page(Self::Background.light()),
            page(Self::Background.dark()),
        )
    }

    fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Run => "run",
            Self::Wait => "wait",
            Self::Area => "area",
            Self::Grid => "grid",
            Self::Ink => "ink",
            Self::Faint => "faint",
            Self::Reset => "reset",
            Self::Ideal => "ideal",
            Self::Accepted => "accepted",
            Self::ThrottledByQuota => "throttled-by-quota",
            Self::ThrottledByCap => "throttled-by-cap",
            Self::Failed => "failed",
        }
    }

    fn light(self) -> &'static str {
        match self {
            Self::Background => "#ffffff",
            Self::Run => "#f3f5f8",
            Self::Wait => "#e3daf3",
            Self::Area => "#8fc1e3",
            Self::Grid => "#d9dee5",
            Self::Ink => "#1b2027",
            Self::Faint => "#56606c",
            Self::Reset => "#7d8896",
            Self::Ideal => "#00805c",
            Self::Accepted => "#0072b2",
            Self::ThrottledByQuota => "#b33600",
            Self::ThrottledByCap => "#de6e00",
            Self::Failed => "#56606c",
        }
    }

    fn dark(self) -> &'static str {
        match self {
            Self::Background => "#0f1318",
            Self::Run => "#1a2028",
            Self::Wait => "#382d4e",
            Self::Area => "#3a77a0",
            Self::Grid => "#323a45",
            Self::Ink => "#e8edf3",
            Self::Faint => "#a3adb9",
            Self::Reset => "#717c8a",
            Self::Ideal => "#2fc796",
            Self::Accepted => "#4ca9e3",
            Self::ThrottledByQuota => "#ea5a0c",
            Self::ThrottledByCap => "#ffb469",
            Self::Failed => "#a3adb9",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_contrast_in_light_and_in_dark() {
        use Paint::{
            Accepted, Area, Background, Failed, Faint, Ideal, Ink, Reset, Run, ThrottledByCap,
            ThrottledByQuota, Wait,
        };
        for tone in [Paint::light, Paint::dark] {
            for text in [Ink, Faint] {
                assert!(contrast(tone(text), tone(Background)) >= 4.5, "{text:?}");
            }
            for shape in [
                Reset,
                Ideal,
                Accepted,
                ThrottledByQuota,
                ThrottledByCap,
                Failed,
            ] {
                assert!(contrast(tone(shape), tone(Run)) >= 3.0, "{shape:?}");
            }
            assert!(contrast(tone(ThrottledByQuota), tone(ThrottledByCap)) >= 1.5);
            // Areas differ from the ground in more than colour, because an area has the shape of
            // its counts.
            for ground in [Run, Wait] {
                assert!(contrast(tone(Area), tone(ground)) >= 1.4, "{ground:?}");
            }
        }
    }

    #[test]
    fn painted_elements_have_a_dark_rule() {
        let line = Paint::Grid
            .stroke(svg::node::element::Line::new())
            .to_string();
        assert_eq!(
            line,
            r##"<line class="grid-stroke" fill="none" stroke="#d9dee5"/>"##
        );
        let style = Paint::style();
        let (_, dark) = style.split_once("prefers-color-scheme: dark").unwrap();
        assert!(dark.contains(".grid-stroke { stroke: #323a45 }"));
    }

    /// Returns the contrast as the Web Content Accessibility Guidelines define it, from 1 to 21.
    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(colour: &str) -> f64 {
        let value = u32::from_str_radix(&colour[1..], 16).unwrap();
        let [_, red, green, blue] = value.to_be_bytes().map(|part| {
            let share = f64::from(part) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}
