//! Jitters in configuration files.

use core::time::Duration;

use serde_core::de::{Error as _, MapAccess};
use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use super::number;
use crate::file::duration::{Bound, WrittenDuration, text};
use crate::file::field::{Found, Place, Value, table};
use crate::instant::duration;
use crate::policy::jitter::{self, Jitter};
use crate::policy::ratio::Ratio;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum JitterKind {
    Auto,
    None,
    Full,
    Equal,
    Additive,
    Proportional,
    Above,
    Decorrelated,
}

impl JitterKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Full => "full",
            Self::Equal => "equal",
            Self::Additive => "additive",
            Self::Proportional => "proportional",
            Self::Above => "above",
            Self::Decorrelated => "decorrelated",
        }
    }
}

impl Value for JitterKind {
    const EXPECTED: &'static str =
        r#""auto", "none", "full", "equal", "additive", "proportional", "above" or "decorrelated""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match found {
            Found::Text("auto") => Ok(Self::Auto),
            Found::Text("none") => Ok(Self::None),
            Found::Text("full") => Ok(Self::Full),
            Found::Text("equal") => Ok(Self::Equal),
            Found::Text("additive") => Ok(Self::Additive),
            Found::Text("proportional") => Ok(Self::Proportional),
            Found::Text("above") => Ok(Self::Above),
            Found::Text("decorrelated") => Ok(Self::Decorrelated),
            _ => Err("is no kind of jitter"),
        }
    }
}

/// The share of a jitter of kind "proportional" or "above".
#[derive(Clone, Copy, Debug)]
struct Share(f64);

impl Value for Share {
    const EXPECTED: &'static str = "a number from 0 to 1";

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        number::within(found, 0.0, 1.0).map(Self)
    }
}

table! {
    struct JitterFields {
        kind: JitterKind,
        low: Duration,
        high: Duration,
        share: Share,
        cap_after_jitter: Bound,
    }
}

/// The jitter settings of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct JitterFile {
    /// `None` keeps the preset's jitter.
    jitter: Option<Jitter>,
    cap: Option<Bound>,
}

impl Value for JitterFile {
    const EXPECTED: &'static str =
        r#"a table, or "auto", "none", "full", "equal" or "decorrelated""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        let jitter = match JitterKind::read(found)? {
            JitterKind::Auto => Jitter::auto(),
            JitterKind::None => Jitter::none(),
            JitterKind::Full => Jitter::full(),
            JitterKind::Equal => Jitter::equal(),
            JitterKind::Decorrelated => Jitter::decorrelated(),
            JitterKind::Additive | JitterKind::Proportional | JitterKind::Above => {
                return Err("alone says too little");
            }
        };
        Ok(Self {
            jitter: Some(jitter),
            cap: None,
        })
    }

    fn read_table<'de, A: MapAccess<'de>>(place: Place, map: A) -> Result<Self, A::Error> {
        let fields = JitterFields::from_map(place, map)?;
        fields.jitter(place).map_err(A::Error::custom)
    }
}

impl JitterFields {
    fn jitter(self, table: Place) -> Result<JitterFile, String> {
        let Self {
            kind,
            low,
            high,
            share,
            cap_after_jitter: cap,
        } = self;
        // The default is `auto`, as in all presets.
        let named = kind.unwrap_or(JitterKind::Auto);
        let has_range = named == JitterKind::Additive;
        let has_share = matches!(named, JitterKind::Proportional | JitterKind::Above);
        for (field, is_there, has_one, owners) in [
            ("low", low.is_some(), has_range, r#""additive""#),
            ("high", high.is_some(), has_range, r#""additive""#),
            (
                "share",
                share.is_some(),
                has_share,
                r#""proportional" or "above""#,
            ),
        ] {
            if is_there && !has_one {
                let place = table.field(field);
                let kind = named.name();
                return Err(format!(
                    r#"{place}: a jitter of kind "{kind}" has none, expected kind {owners}"#
                ));
            }
        }
        let jitter = match kind {
            None => None,
            Some(JitterKind::Auto) => Some(Jitter::auto()),
            Some(JitterKind::None) => Some(Jitter::none()),
            Some(JitterKind::Full) => Some(Jitter::full()),
            Some(JitterKind::Equal) => Some(Jitter::equal()),
            Some(JitterKind::Decorrelated) => Some(Jitter::decorrelated()),
            Some(JitterKind::Additive) => {
                let low = low.unwrap_or(Duration::ZERO);
                let high = high.ok_or_else(|| table.field("high").missing(Duration::EXPECTED))?;
                if high < low {
                    let place = table.field("high");
                    let (low, high) = (text(low), text(high));
                    return Err(format!(
                        r#"{place}: "{high}" is less than {table}.low, which is "{low}""#
                    ));
                }
                Some(Jitter::additive(low, high))
            }
            Some(kind @ (JitterKind::Proportional | JitterKind::Above)) => {
                let Share(share) =
                    share.ok_or_else(|| table.field("share").missing(Share::EXPECTED))?;
                Some(match kind {
                    JitterKind::Above => Jitter::above(share),
                    _ => Jitter::proportional(share),
                })
            }
        };
        Ok(JitterFile { jitter, cap })
    }
}

impl JitterFile {
    /// Returns the jitter `from` with the changes of the file.
    pub(super) fn onto(self, from: Jitter) -> Jitter {
        let mut jitter = self.jitter.unwrap_or(from);
        if let Some(Bound(cap)) = self.cap {
            jitter = jitter.with_cap_after_jitter(cap.unwrap_or(Duration::MAX));
        }
        jitter
    }
}

pub(super) struct WrittenJitter(pub(super) Jitter);

impl Serialize for WrittenJitter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (name, range, share) = match self.0.kind {
            jitter::Kind::Auto => (JitterKind::Auto, None, None),
            jitter::Kind::None => (JitterKind::None, None, None),
            jitter::Kind::Full => (JitterKind::Full, None, None),
            jitter::Kind::Equal => (JitterKind::Equal, None, None),
            jitter::Kind::Decorrelated => (JitterKind::Decorrelated, None, None),
            jitter::Kind::Additive { low, high } => (JitterKind::Additive, Some((low, high)), None),
            // The share is the part above 1. It determines both ends.
            jitter::Kind::Proportional { below, above } => {
                let kind = if below == Ratio::ONE {
                    JitterKind::Above
                } else {
                    JitterKind::Proportional
                };
                (kind, None, Some(above))
            }
        };
        let cap = Some(self.0.cap()).filter(|&cap| cap < Duration::MAX);
        let count = 2 * usize::from(range.is_some())
            + usize::from(share.is_some())
            + usize::from(cap.is_some());
        if count == 0 {
            return to.serialize_str(name.name());
        }
        let mut fields = to.serialize_struct("Jitter", 1 + count)?;
        fields.serialize_field("kind", name.name())?;
        if let Some((low, high)) = range {
            fields.serialize_field("low", &WrittenDuration(duration(low)))?;
            fields.serialize_field("high", &WrittenDuration(duration(high)))?;
        }
        if let Some(above) = share {
            let share = Ratio::clamped(above.as_f64() - 1.0, 0, 1);
            fields.serialize_field("share", &number::shortest(share))?;
        }
        if let Some(cap) = cap {
            fields.serialize_field("cap_after_jitter", &WrittenDuration(cap))?;
        }
        fields.end()
    }
}
