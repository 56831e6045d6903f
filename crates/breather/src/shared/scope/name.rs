//! Limits the length of scope names.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::iter;

/// Returns the key of the scope called `name`. It replaces the end of a long name by a hash.
///
/// Names are stored, copied and logged, and they may come from outside. For example, the caller of
/// a proxy can invent a token.
pub(super) fn bounded(name: &str) -> Cow<'_, str> {
    if name.len() <= LONGEST {
        name.into()
    } else {
        cut(name).into()
    }
}

#[cold]
fn cut(name: &str) -> String {
    let mut end = LONGEST - HASH;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let hash = |half: u8| {
        let mut hasher = DefaultHasher::new();
        (half, name).hash(&mut hasher);
        hasher.finish()
    };
    format!("{}…{:016x}{:016x}", &name[..end], hash(0), hash(1))
}

/// Returns the scopes that `name` can stand for. A host also stands for its origins.
pub(super) fn origins(name: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let schemes: &[_] = match name.contains("://") {
        true => &[],
        false => &SCHEMES,
    };
    let origins = schemes
        .iter()
        .map(move |scheme| format!("{scheme}{name}").into());
    iter::once(name.into()).chain(origins)
}

/// Returns the host and port of `origin`, if it is an origin.
pub(super) fn host(origin: &str) -> Option<&str> {
    let [tls, plain] = SCHEMES;
    origin
        .strip_prefix(tls)
        .or_else(|| origin.strip_prefix(plain))
}

const SCHEMES: [&str; 2] = ["https://", "http://"];

/// In bytes. The longest host has 253 bytes. A port and a scheme come on top.
const LONGEST: usize = 300;

/// The length of the hash, in bytes.
const HASH: usize = "…".len() + 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_shortened_and_stay_distinct() {
        let host = "a".repeat(253);
        let origin = format!("https://{host}:65535");
        assert_eq!(bounded(&origin), origin);

        let one = "é".repeat(100_000);
        let other = format!("{one}!");
        for name in [&one, &other] {
            let kept = bounded(name);
            assert!(kept.len() <= LONGEST, "{}", kept.len());
            assert_eq!(kept, bounded(name));
            // The key of a key is the key itself.
            assert_eq!(bounded(&kept), kept);
        }
        assert_ne!(bounded(&one), bounded(&other));
    }
}
