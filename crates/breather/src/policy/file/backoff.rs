//! Backoffs in configuration files.

use core::time::Duration;

use serde_core::de::{Error as _, MapAccess};
use serde_core::ser::{Error as _, Serialize, SerializeStruct, Serializer};

use super::number;
use crate::file::duration::{Bound, WrittenBound, WrittenDuration, text};
use crate::file::field::{Found, Place, Value, table};
use crate::policy::{Backoff, Shape};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum BackoffKind {
    Constant,
    Linear,
    Exponential,
    Fibonacci,
}

impl BackoffKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear => "linear",
            Self::Exponential => "exponential",
            Self::Fibonacci => "fibonacci",
        }
    }
}

impl Value for BackoffKind {
    const EXPECTED: &'static str = r#""constant", "linear", "exponential" or "fibonacci""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match found {
            Found::Text("constant") => Ok(Self::Constant),
            Found::Text("linear") => Ok(Self::Linear),
            Found::Text("exponential") => Ok(Self::Exponential),
            Found::Text("fibonacci") => Ok(Self::Fibonacci),
            _ => Err("is no kind of backoff"),
        }
    }
}

/// The growth factor of an exponential backoff.
#[derive(Clone, Copy, Debug)]
struct Factor(f64);

impl Value for Factor {
    const EXPECTED: &'static str = "a number from 1 to 65535";

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        number::within(found, 1.0, 65_535.0).map(Self)
    }
}

table! {
    pub(super) struct BackoffFile {
        kind: BackoffKind,
        base: Duration,
        factor: Factor,
        cap: Bound,
    }
}

impl Value for BackoffFile {
    const EXPECTED: &'static str =
        r#"a table, or "constant", "linear", "exponential" or "fibonacci""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        Ok(Self {
            kind: Some(BackoffKind::read(found)?),
            ..Self::default()
        })
    }

    fn read_table<'de, A: MapAccess<'de>>(place: Place, map: A) -> Result<Self, A::Error> {
        let read = Self::from_map(place, map)?;
        // The default is exponential, as in all presets.
        let kind = read.kind.unwrap_or(BackoffKind::Exponential);
        if read.factor.is_some() && kind != BackoffKind::Exponential {
            let place = place.field("factor");
            let kind = kind.name();
            return Err(A::Error::custom(format_args!(
                r#"{place}: a backoff of kind "{kind}" has none, expected kind "exponential""#
            )));
        }
        Ok(read)
    }
}

impl BackoffFile {
    /// Returns the backoff `from` with the changes of the file in `table`.
    pub(super) fn onto(self, from: Backoff, table: Place) -> Result<Backoff, String> {
        let cap = self.cap.map(|Bound(cap)| cap.unwrap_or(Duration::MAX));
        let base = self.base.unwrap_or_else(|| from.base());
        let is_exponential = matches!(self.kind, None | Some(BackoffKind::Exponential));
        // A preset's cap limits an exponential backoff. A default cap adapts to the base.
        let limit = cap.or_else(|| from.cap_set().filter(|_| is_exponential));
        // If the file sets both base and cap, the cap wins. If it sets one of them, a conflict is
        // probably a mistake.
        let is_either_unset = self.base.is_none() || self.cap.is_none();
        if let Some(cap) = limit.filter(|&limit| base > limit && is_either_unset) {
            let (base, cap) = (text(base), text(cap));
            let (field, value, other, limit, side) = match self.base {
                Some(_) => ("base", base, "cap", cap, "more"),
                None => ("cap", cap, "base", base, "less"),
            };
            let (place, other) = (table.field(field), table.field(other));
            return Err(format!(
                r#"{place}: "{value}" is {side} than {other}, which is "{limit}" unless it is set, too"#
            ));
        }
        let shaped = match self.kind {
            Some(BackoffKind::Constant) => Backoff::constant(base),
            Some(BackoffKind::Linear) => Backoff::linear(base),
            Some(BackoffKind::Fibonacci) => Backoff::fibonacci(base),
            // All presets are exponential.
            Some(BackoffKind::Exponential) | None => from.with_base(base),
        };
        let capped = match cap {
            Some(cap) => shaped.with_cap(cap),
            None => shaped,
        };
        Ok(match self.factor {
            Some(Factor(factor)) => capped.with_factor(factor),
            None => capped,
        })
    }
}

pub(super) struct WrittenBackoff(pub(super) Backoff);

impl Serialize for WrittenBackoff {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let backoff = self.0;
        let (kind, factor) = match backoff.shape {
            Shape::Constant => (BackoffKind::Constant, None),
            Shape::Linear => (BackoffKind::Linear, None),
            Shape::Exponential { factor } => (BackoffKind::Exponential, Some(factor)),
            Shape::Fibonacci => (BackoffKind::Fibonacci, None),
            Shape::Custom(_) => {
                let why = "a custom backoff is a function, and cannot be written to a file";
                return Err(S::Error::custom(why));
            }
        };
        // A default cap is left out if the same cap, set explicitly, means something else. For
        // example, "none" would let decorrelated jitter grow without bound.
        let capped = backoff.with_cap(backoff.cap());
        let cap = Some(backoff.cap()).filter(|_| capped == backoff);
        let count = 2 + usize::from(factor.is_some()) + usize::from(cap.is_some());
        let mut fields = to.serialize_struct("Backoff", count)?;
        fields.serialize_field("kind", kind.name())?;
        fields.serialize_field("base", &WrittenDuration(backoff.base()))?;
        match factor {
            Some(factor) => fields.serialize_field("factor", &number::shortest(factor))?,
            None => fields.skip_field("factor")?,
        }
        match cap {
            Some(cap) => {
                let bound = Some(cap).filter(|&cap| cap < Duration::MAX);
                fields.serialize_field("cap", &WrittenBound(bound))?;
            }
            None => fields.skip_field("cap")?,
        }
        fields.end()
    }
}
