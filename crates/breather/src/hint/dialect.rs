//! The families of header names that servers use.

/// A family of headers that together tell of one quota window.
///
/// A family is one row here and nothing else anywhere.
#[derive(Debug)]
pub(super) struct Dialect {
    /// What the window is called when the server does not name it.
    pub(super) name: &'static str,
    pub(super) limit: &'static str,
    pub(super) left: Left,
    pub(super) reset: &'static str,
}

/// How a family tells what remains.
#[derive(Debug)]
pub(super) enum Left {
    /// The header holds what remains.
    Remaining(&'static str),
    /// The header holds what was used of the limit.
    Used(&'static str),
}

impl Left {
    pub(super) const fn header(&self) -> &'static str {
        match self {
            Self::Remaining(header) | Self::Used(header) => header,
        }
    }
}

pub(super) static DIALECTS: [Dialect; COUNT] = [
    // X, Okta, Genesys Cloud by some accounts.
    Dialect {
        name: "x-rate-limit",
        limit: "x-rate-limit-limit",
        left: Left::Remaining("x-rate-limit-remaining"),
        reset: "x-rate-limit-reset",
    },
    // GitHub, Reddit and most others.
    Dialect {
        name: "x-ratelimit",
        limit: "x-ratelimit-limit",
        left: Left::Remaining("x-ratelimit-remaining"),
        reset: "x-ratelimit-reset",
    },
    // Genesys Cloud: `count` is what was used.
    Dialect {
        name: "inin-ratelimit",
        limit: "inin-ratelimit-allowed",
        left: Left::Used("inin-ratelimit-count"),
        reset: "inin-ratelimit-reset",
    },
];

pub(super) const COUNT: usize = 3;
