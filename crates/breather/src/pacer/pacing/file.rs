//! Pacings in configuration files.

use core::time::Duration;

use serde_core::de::{Deserialize, Deserializer, Error as _, MapAccess};
use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use super::{Pace, Pacing};
use crate::file::duration::WrittenDuration;
use crate::file::field::{Found, Place, Value, Visitor, table};

const ROOT: Place = Place::root("pacing");

table! {
    /// The fields of a pacing in a file. Absent fields keep their default.
    ///
    /// A new field needs a line here, in `PacingFile::pacing` and in `Pacing::serialize`.
    struct PacingFile {
        max_queued: MaxQueued,
        pace: Pace,
        limit: Limit,
        initial_limit: Limit,
        max_in_flight: MaxInFlight,
        silent_hold: Duration,
    }
}

table! {
    struct LimitFields {
        number: Number,
        per: Period,
    }
}

/// So many attempts in a period, or `None` for no limit.
#[derive(Clone, Copy, Debug)]
struct Limit(Option<(u64, Duration)>);

/// The number of attempts of a limit.
#[derive(Clone, Copy, Debug)]
struct Number(u64);

/// The period of a limit.
#[derive(Clone, Copy, Debug)]
struct Period(Duration);

#[derive(Clone, Copy, Debug)]
struct MaxQueued(usize);

#[derive(Clone, Copy, Debug)]
struct MaxInFlight(u32);

impl Value for Pace {
    const EXPECTED: &'static str = r#""burst" or "even""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match found {
            Found::Text("burst") => Ok(Self::Burst),
            Found::Text("even") => Ok(Self::Even),
            _ => Err("is no pace"),
        }
    }
}

impl Value for Number {
    const EXPECTED: &'static str = "a whole number of at least 1";

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match found.whole()? {
            0 => Err("is too little"),
            number => Ok(Self(number)),
        }
    }
}

impl Value for Period {
    const EXPECTED: &'static str = Duration::EXPECTED;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match Duration::read(found)? {
            Duration::ZERO => Err("is too short"),
            period => Ok(Self(period)),
        }
    }
}

impl Value for Limit {
    const EXPECTED: &'static str = r#"a table of number and per, or "none""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match found {
            Found::Text("none") => Ok(Self(None)),
            _ => Err("is no limit"),
        }
    }

    fn read_table<'de, A: MapAccess<'de>>(place: Place, map: A) -> Result<Self, A::Error> {
        let LimitFields { number, per } = LimitFields::from_map(place, map)?;
        let missing = |field, expected| A::Error::custom(place.field(field).missing(expected));
        let Number(number) = number.ok_or_else(|| missing("number", Number::EXPECTED))?;
        let Period(per) = per.ok_or_else(|| missing("per", Period::EXPECTED))?;
        Ok(Self(Some((number, per))))
    }
}

impl Value for MaxQueued {
    const EXPECTED: &'static str = "a whole number";

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        let number = found.whole()?;
        Ok(Self(usize::try_from(number).unwrap_or(usize::MAX)))
    }
}

impl Value for MaxInFlight {
    const EXPECTED: &'static str = r#"a whole number from 1 to 4294967295, or "none""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match found {
            Found::Text("none") => Ok(Self(u32::MAX)),
            _ => match u32::read(found)? {
                0 => Err("is too little"),
                max => Ok(Self(max)),
            },
        }
    }
}

impl PacingFile {
    fn pacing(self) -> Pacing {
        let mut pacing = Pacing::new();
        if let Some(MaxQueued(max)) = self.max_queued {
            pacing = pacing.with_max_queued(max);
        }
        if let Some(pace) = self.pace {
            pacing = pacing.with_pace(pace);
        }
        if let Some(Limit(Some((number, per)))) = self.limit {
            pacing = pacing.with_limit(number, per);
        }
        if let Some(Limit(Some((number, per)))) = self.initial_limit {
            pacing = pacing.with_initial_limit(number, per);
        }
        if let Some(MaxInFlight(max)) = self.max_in_flight {
            pacing = pacing.with_max_in_flight(max);
        }
        if let Some(hold) = self.silent_hold {
            pacing = pacing.with_silent_hold(hold);
        }
        pacing
    }
}

impl Value for Pacing {
    const EXPECTED: &'static str = "a table of settings";

    fn read(_: &Found<'_>) -> Result<Self, &'static str> {
        Err("is no pacing")
    }

    fn read_table<'de, A: MapAccess<'de>>(place: Place, map: A) -> Result<Self, A::Error> {
        Ok(PacingFile::from_map(place, map)?.pacing())
    }
}

/// Reads a pacing from a table of settings.
///
/// See [`Pacing`], section "In a file".
impl<'de> Deserialize<'de> for Pacing {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // `deserialize_struct` tells serde's `flatten` which fields to pass on. `deserialize_any`
        // does not.
        let pacing = Visitor::<Self>::new(ROOT);
        from.deserialize_struct("Pacing", PacingFile::FIELDS, pacing)
    }
}

/// Writes all settings, including the defaults, so that the file keeps its meaning even if a default changes.
impl Serialize for Pacing {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // A whole number of TOML has 63 bits.
        let most = usize::try_from(i64::MAX).unwrap_or(usize::MAX);
        let mut fields = to.serialize_struct("Pacing", 6)?;
        fields.serialize_field("max_queued", &self.max_queued().min(most))?;
        let pace = match self.pace() {
            Pace::Burst => "burst",
            Pace::Even => "even",
        };
        fields.serialize_field("pace", pace)?;
        fields.serialize_field("limit", &Limit(self.limit()))?;
        fields.serialize_field("initial_limit", &Limit(self.initial_limit()))?;
        match self.max_in_flight() {
            Some(max) => fields.serialize_field("max_in_flight", &max)?,
            None => fields.serialize_field("max_in_flight", "none")?,
        }
        fields.serialize_field("silent_hold", &WrittenDuration(self.silent_hold()))?;
        fields.end()
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(Some((number, per))) = *self else {
            return to.serialize_str("none");
        };
        let mut fields = to.serialize_struct("Limit", 2)?;
        // A whole number of TOML has 63 bits.
        fields.serialize_field("number", &number.min(i64::MAX.unsigned_abs()))?;
        fields.serialize_field("per", &WrittenDuration(per))?;
        fields.end()
    }
}
