//! Fields of a configuration file, and the errors about them.

use core::fmt;
use core::marker::PhantomData;

use serde_core::de::{self, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess};

/// The place of a field in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// What the file holds, such as a policy.
    root: &'static str,
    table: &'static str,
    field: &'static str,
}

impl Place {
    /// The place of all settings together.
    pub(crate) const fn root(root: &'static str) -> Self {
        Self {
            root,
            table: "",
            field: "",
        }
    }

    /// Returns the place of a `field` of the table at this place.
    pub(crate) const fn field(self, field: &'static str) -> Self {
        Self {
            root: self.root,
            table: self.field,
            field,
        }
    }

    /// Returns a message that says that there is no value at this place.
    pub(crate) fn missing(self, expected: &str) -> String {
        format!("{self}: is missing, expected {expected}")
    }

    /// Creates an error that says why `found` is not valid at this place.
    pub(crate) fn refuse<E: Error>(self, found: &Found<'_>, why: &str, expected: &str) -> E {
        E::custom(format_args!("{self}: {found} {why}, expected {expected}"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.table, self.field) {
            ("", "") => to.write_str(self.root),
            ("", field) => to.write_str(field),
            (table, field) => write!(to, "{table}.{field}"),
        }
    }
}

/// The value found in a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    Text(&'a str),
    Whole(i128),
    Number(f64),
    Other(&'static str),
}

impl Found<'_> {
    /// Returns the whole number. The error follows the value that was found.
    pub(crate) fn whole(&self) -> Result<u64, &'static str> {
        match *self {
            Found::Whole(number) if number < 0 => Err("is negative"),
            Found::Whole(number) => u64::try_from(number).map_err(|_| "is too much"),
            // A JSON number that needs more than 64 bits arrives as a float.
            Found::Number(number) if number >= u64::MAX as f64 => Err("is too much"),
            _ => Err("is no whole number"),
        }
    }
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Shortens and escapes long text, so that the error fits into a line of a log.
        const LONGEST: usize = 64;
        match *self {
            Found::Text(text) => match text.char_indices().nth(LONGEST) {
                None => write!(to, "{text:?}"),
                Some((end, _)) => write!(to, "{:?}…", &text[..end]),
            },
            Found::Whole(number) => write!(to, "{number}"),
            Found::Number(number) => write!(to, "{number:?}"),
            Found::Other(name) => to.write_str(name),
        }
    }
}

/// A type that a field can hold.
pub(crate) trait Value: Sized {
    /// The valid values, as they follow "expected" in an error.
    const EXPECTED: &'static str;

    /// Reads the value. The error follows the value that was found, such as "is negative".
    fn read(found: &Found<'_>) -> Result<Self, &'static str>;

    /// Reads the value from a table. By default, a table is an error.
    fn read_table<'de, A: MapAccess<'de>>(place: Place, _map: A) -> Result<Self, A::Error> {
        read_at(place, &Found::Other("a table or a date"))
    }
}

fn read_at<T: Value, E: Error>(place: Place, found: &Found<'_>) -> Result<T, E> {
    T::read(found).map_err(|why| place.refuse(found, why, T::EXPECTED))
}

impl Value for u32 {
    const EXPECTED: &'static str = "a whole number from 0 to 4294967295";

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        Self::try_from(found.whole()?).map_err(|_| "is too much")
    }
}

/// Reads the value of one field.
///
/// It creates errors while it reads, because only then does the format know the line.
pub(crate) struct Visitor<T> {
    place: Place,
    value: PhantomData<T>,
}

impl<T> Visitor<T> {
    pub(crate) const fn new(place: Place) -> Self {
        Self {
            place,
            value: PhantomData,
        }
    }
}

impl<'de, T: Value> DeserializeSeed<'de> for Visitor<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: Value> de::Visitor<'de> for Visitor<T> {
    type Value = T;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} as {}", self.place, T::EXPECTED)
    }

    fn visit_bool<E: Error>(self, found: bool) -> Result<T, E> {
        let name = if found { "true" } else { "false" };
        read_at(self.place, &Found::Other(name))
    }

    fn visit_i64<E: Error>(self, found: i64) -> Result<T, E> {
        read_at(self.place, &Found::Whole(found.into()))
    }

    fn visit_u64<E: Error>(self, found: u64) -> Result<T, E> {
        read_at(self.place, &Found::Whole(found.into()))
    }

    fn visit_i128<E: Error>(self, found: i128) -> Result<T, E> {
        read_at(self.place, &Found::Whole(found))
    }

    fn visit_u128<E: Error>(self, found: u128) -> Result<T, E> {
        let found = i128::try_from(found).unwrap_or(i128::MAX);
        read_at(self.place, &Found::Whole(found))
    }

    fn visit_f64<E: Error>(self, found: f64) -> Result<T, E> {
        read_at(self.place, &Found::Number(found))
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<T, E> {
        read_at(self.place, &Found::Text(found))
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<T, E> {
        read_at(self.place, &Found::Other("a value of bytes"))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        read_at(self.place, &Found::Other("null"))
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        self.deserialize(from)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        self.deserialize(from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        read_at(self.place, &Found::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::read_table(self.place, map)
    }
}

/// A seed that reads the name of a field of the table at `place`, which must be one of `fields`.
pub(crate) struct Name {
    pub(crate) place: Place,
    pub(crate) fields: &'static [&'static str],
}

impl Name {
    pub(crate) fn unknown<E: Error>(&self, name: &str) -> E {
        let Self { place, fields } = self;
        let found = Found::Text(name);
        let fields = fields.join(", ");
        E::custom(format_args!(
            "{place}: {found} is no field, expected one of {fields}"
        ))
    }
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<&'static str, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl de::Visitor<'_> for Name {
    type Value = &'static str;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "one of {}", self.fields.join(", "))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<&'static str, E> {
        let known = self.fields.iter().find(|&&field| field == name);
        known.copied().ok_or_else(|| self.unknown(name))
    }
}

/// Reads the value at `place` into `slot`.
pub(crate) fn fill<'de, T: Value, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    place: Place,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::custom(format_args!("{place}: is there twice")));
    }
    *slot = Some(map.next_value_seed(Visitor::new(place))?);
    Ok(())
}

/// Defines a struct of optional fields, and how to read it from a map.
macro_rules! table {
    ($(#[$doc:meta])* $access:vis struct $table:ident { $($field:ident: $value:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        $access struct $table {
            $($field: Option<$value>,)+
        }

        impl $table {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn from_map<'de, A: serde_core::de::MapAccess<'de>>(
                place: $crate::file::field::Place,
                mut map: A,
            ) -> Result<Self, A::Error> {
                use $crate::file::field::{Name, fill};

                let mut read = Self::default();
                let fields = Self::FIELDS;
                while let Some(name) = map.next_key_seed(Name { place, fields })? {
                    let field = place.field(name);
                    match name {
                        $(stringify!($field) => fill(&mut read.$field, field, &mut map)?,)+
                        _ => return Err(Name { place, fields }.unknown(name)),
                    }
                }
                Ok(read)
            }
        }
    };
}

pub(crate) use table;
