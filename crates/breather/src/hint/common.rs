//! The headers that are read whoever sends them.

use core::time::Duration;

use super::family::{self, Header, HeaderFamily, Part};
use super::reading::TimeFormat;
use super::unit::Unit;

/// The families whose names say enough to be read without a [`Dialect`](super::Dialect).
///
/// A server's headers are rows here and nothing else anywhere. Of delays, the first counts.
pub(super) static FAMILIES: [HeaderFamily; COUNT] = [
    // Milliseconds come before seconds, and names of one server before the one that all use.
    HeaderFamily::new("retry-after")
        .with("grpc-retry-pushback-ms", Part::Pushback)
        .with("retry-after-ms", Part::Delay(TimeFormat::Millis))
        .with("x-ms-retry-after-ms", Part::Delay(TimeFormat::Millis))
        .with("x-amz-retry-after", Part::Delay(TimeFormat::Millis))
        // Oracle's gateway.
        .with(
            "requestlimit-default-retryafter",
            Part::Delay(TimeFormat::Millis),
        )
        .with(
            "requestlimit-write-retryafter",
            Part::Delay(TimeFormat::Millis),
        )
        // Traefik, which rounds its Retry-After to the nearest second.
        .with("x-retry-in", Part::Delay(TimeFormat::Units))
        .with("retry-after", Part::Delay(TimeFormat::Any))
        .with("x-retry-after", Part::Delay(TimeFormat::Any))
        .with("retryafter", Part::Delay(TimeFormat::Any))
        .with("x-ratelimit-retry-after", Part::Delay(TimeFormat::Any))
        // tower_governor.
        .with("x-ratelimit-after", Part::Delay(TimeFormat::Seconds)),
    HeaderFamily::new("verdict")
        .with("x-should-retry", Part::Verdict)
        .with("stripe-should-retry", Part::Verdict),
    HeaderFamily::new("remark")
        .with("ratelimit-reason", Part::Remark)
        .with("stripe-rate-limited-reason", Part::Remark)
        .with("x-ratelimit-scope", Part::Remark)
        .with("x-ratelimit-global", Part::Remark)
        .with("x-ratelimit-nearlimit", Part::Remark)
        .with("x-ratelimit-fillrate", Part::Remark)
        .with("x-ratelimit-endpoint-name", Part::Remark)
        // Epoch seconds beside `ratelimit-reset`, of which it is a copy.
        .with("ratelimit-reset-date", Part::Remark),
    // The IETF's drafts, and who took their names: GitLab, Twitch, Docker Hub, Zendesk.
    HeaderFamily::new("ratelimit")
        .with("ratelimit", Part::RateLimit)
        .with("ratelimit-policy", Part::Policy)
        .with("ratelimit-limit", Part::Limit)
        .with("ratelimit-remaining", Part::Remaining)
        .with("ratelimit-observed", Part::Used)
        .with("ratelimit-reset", Part::Reset(TimeFormat::Any))
        .with("ratelimit-resettime", Part::Reset(TimeFormat::Any))
        .with("ratelimit-name", Part::Name)
        .with("docker-ratelimit-source", Part::Key),
    // GitHub, Reddit, Discord, Jira, WHOOP, Akamai, HighLevel and most others.
    HeaderFamily::new("x-ratelimit")
        .with("x-ratelimit-limit", Part::Limit)
        .with("x-ratelimit-max", Part::Limit)
        .with("x-ratelimit-remaining", Part::Remaining)
        .with("x-ratelimit-used", Part::Used)
        // Strava.
        .with("x-ratelimit-usage", Part::Used)
        .with("x-ratelimit-reset-after", Part::Reset(TimeFormat::Seconds))
        .with("x-ratelimit-reset", Part::Reset(TimeFormat::Any))
        .with("x-ratelimit-next", Part::Reset(TimeFormat::Any))
        .with(
            "x-ratelimit-interval-milliseconds",
            Part::Length(TimeFormat::Millis),
        )
        .with(
            "x-ratelimit-interval-seconds",
            Part::Length(TimeFormat::Seconds),
        )
        .with("x-ratelimit-resource", Part::Name)
        .with("x-ratelimit-bucket", Part::Key),
    // X, Okta, RingCentral; Zendesk's account.
    HeaderFamily::new("x-rate-limit")
        .with("x-rate-limit-limit", Part::Limit)
        .with("x-rate-limit", Part::Limit)
        .with("x-rate-limit-remaining", Part::Remaining)
        .with("x-rate-limit-reset", Part::Reset(TimeFormat::Any))
        .with("x-rate-limit-window", Part::Length(TimeFormat::Seconds))
        .with("x-rate-limit-group", Part::Name),
    // X, by day.
    three(
        "app-24hour",
        "x-app-limit-24hour-limit",
        "x-app-limit-24hour-remaining",
        "x-app-limit-24hour-reset",
    )
    .with_length(DAY),
    three(
        "user-24hour",
        "x-user-limit-24hour-limit",
        "x-user-limit-24hour-remaining",
        "x-user-limit-24hour-reset",
    )
    .with_length(DAY),
    // Genesys Cloud, whose `count` is the used part.
    HeaderFamily::new("inin-ratelimit")
        .with("inin-ratelimit-allowed", Part::Limit)
        .with("inin-ratelimit-count", Part::Used)
        .with("inin-ratelimit-reset", Part::Reset(TimeFormat::Any)),
    // OpenAI, Azure OpenAI.
    three(
        "requests",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    three(
        "tokens",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    )
    .with_unit(Unit::Tokens),
    three(
        "tokens_usage_based",
        "x-ratelimit-limit-tokens_usage_based",
        "x-ratelimit-remaining-tokens_usage_based",
        "x-ratelimit-reset-tokens_usage_based",
    )
    .with_unit(Unit::Tokens),
    // Anthropic.
    three(
        "requests",
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    three(
        "tokens",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    )
    .with_unit(Unit::Tokens),
    three(
        "input-tokens",
        "anthropic-ratelimit-input-tokens-limit",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    )
    .with_unit(Unit::InputTokens),
    three(
        "output-tokens",
        "anthropic-ratelimit-output-tokens-limit",
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    )
    .with_unit(Unit::OutputTokens),
    HeaderFamily::new("unified").with_unit(Unit::Other).with(
        "anthropic-ratelimit-unified-reset",
        Part::Reset(TimeFormat::Any),
    ),
    // Linear.
    three(
        "requests",
        "x-ratelimit-requests-limit",
        "x-ratelimit-requests-remaining",
        "x-ratelimit-requests-reset",
    ),
    three(
        "complexity",
        "x-ratelimit-complexity-limit",
        "x-ratelimit-complexity-remaining",
        "x-ratelimit-complexity-reset",
    )
    .with_unit(Unit::Points),
    three(
        "endpoint-requests",
        "x-ratelimit-endpoint-requests-limit",
        "x-ratelimit-endpoint-requests-remaining",
        "x-ratelimit-endpoint-requests-reset",
    ),
    // Kong and others have the window in the name. HighLevel has a day of its own.
    two(
        "second",
        "x-ratelimit-limit-second",
        "x-ratelimit-remaining-second",
    )
    .with_length(SECOND),
    two(
        "minute",
        "x-ratelimit-limit-minute",
        "x-ratelimit-remaining-minute",
    )
    .with_length(MINUTE),
    two(
        "hour",
        "x-ratelimit-limit-hour",
        "x-ratelimit-remaining-hour",
    )
    .with_length(HOUR),
    two("day", "x-ratelimit-limit-day", "x-ratelimit-remaining-day").with_length(DAY),
    two(
        "month",
        "x-ratelimit-limit-month",
        "x-ratelimit-remaining-month",
    ),
    two(
        "year",
        "x-ratelimit-limit-year",
        "x-ratelimit-remaining-year",
    ),
    two(
        "daily",
        "x-ratelimit-limit-daily",
        "x-ratelimit-daily-remaining",
    )
    .with_length(DAY),
    // HubSpot.
    two(
        "daily",
        "x-hubspot-ratelimit-daily",
        "x-hubspot-ratelimit-daily-remaining",
    )
    .with_length(DAY),
    two(
        "secondly",
        "x-hubspot-ratelimit-secondly",
        "x-hubspot-ratelimit-secondly-remaining",
    )
    .with_length(SECOND),
    two(
        "interval",
        "x-hubspot-ratelimit-max",
        "x-hubspot-ratelimit-remaining",
    )
    .with(
        "x-hubspot-ratelimit-interval-milliseconds",
        Part::Length(TimeFormat::Millis),
    ),
    // The buckets of Shopify and Gorgias have no reset.
    HeaderFamily::new("shop").with("x-shopify-shop-api-call-limit", Part::UsedOfLimit),
    HeaderFamily::new("account").with("x-gorgias-account-api-call-limit", Part::UsedOfLimit),
    // Zendesk, by endpoint; Auth0, by client and organisation.
    HeaderFamily::new("tickets-index").with("zendesk-ratelimit-tickets-index", Part::Pairs),
    HeaderFamily::new("client").with("auth0-client-quota-limit", Part::Pairs),
    HeaderFamily::new("organization").with("auth0-organization-quota-limit", Part::Pairs),
    HeaderFamily::new("sforce").with("sforce-limit-info", Part::Usages),
    // Azure's resource manager.
    HeaderFamily::new("subscription-reads").with(
        "x-ms-ratelimit-remaining-subscription-reads",
        Part::Remaining,
    ),
    HeaderFamily::new("subscription-writes").with(
        "x-ms-ratelimit-remaining-subscription-writes",
        Part::Remaining,
    ),
    HeaderFamily::new("subscription-deletes").with(
        "x-ms-ratelimit-remaining-subscription-deletes",
        Part::Remaining,
    ),
    HeaderFamily::new("tenant-reads")
        .with("x-ms-ratelimit-remaining-tenant-reads", Part::Remaining),
    HeaderFamily::new("tenant-writes")
        .with("x-ms-ratelimit-remaining-tenant-writes", Part::Remaining),
    HeaderFamily::new("resource").with("x-ms-ratelimit-remaining-resource", Part::Resources),
    // Imgur.
    three(
        "user",
        "x-ratelimit-userlimit",
        "x-ratelimit-userremaining",
        "x-ratelimit-userreset",
    ),
    two(
        "client",
        "x-ratelimit-clientlimit",
        "x-ratelimit-clientremaining",
    ),
    three(
        "post",
        "x-post-rate-limit-limit",
        "x-post-rate-limit-remaining",
        "x-post-rate-limit-reset",
    ),
    // Brevo.
    three(
        "x-sib-ratelimit",
        "x-sib-ratelimit-limit",
        "x-sib-ratelimit-remaining",
        "x-sib-ratelimit-reset",
    ),
];

const COUNT: usize = 46;

const fn two(name: &'static str, limit: &'static str, remaining: &'static str) -> HeaderFamily {
    HeaderFamily::new(name)
        .with(limit, Part::Limit)
        .with(remaining, Part::Remaining)
}

const fn three(
    name: &'static str,
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
) -> HeaderFamily {
    family::three(name, limit, remaining, reset, TimeFormat::Any)
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns whether a family is that of names that say nothing of their window.
pub(super) fn is_plain(family: &HeaderFamily) -> bool {
    ["ratelimit", "x-ratelimit", "x-rate-limit"].contains(&family.name)
}

/// The header called `name`, in whatever case.
pub(super) fn find(name: &[u8]) -> Option<&'static Row> {
    find_by(name, <[u8]>::eq_ignore_ascii_case)
}

/// The header called `name`, if that is in lower case.
#[inline]
pub(super) fn find_as_it_is(name: &[u8]) -> Option<&'static Row> {
    find_by(name, is_same)
}

#[inline]
fn find_by(name: &[u8], is_name: impl Fn(&[u8], &[u8]) -> bool) -> Option<&'static Row> {
    let mut slot = hash(name.len(), name.last_chunk()?);
    // The table is never full.
    loop {
        let row = ROWS.get(usize::from(INDEX.slots[slot % SLOTS]))?;
        if is_name(row.header.name.as_bytes(), name) {
            return Some(row);
        }
        slot += 1;
    }
}

/// Whether two names are the same, without a call.
#[inline]
fn is_same(header: &[u8], name: &[u8]) -> bool {
    if header.len() != name.len() {
        return false;
    }
    // The last bytes overlap the first. No name has more than twice as many.
    match name.len() {
        ..16 => {
            header.first_chunk::<SHORTEST>() == name.first_chunk()
                && header.last_chunk::<SHORTEST>() == name.last_chunk()
        }
        16..32 => {
            header.first_chunk::<16>() == name.first_chunk()
                && header.last_chunk::<16>() == name.last_chunk()
        }
        32.. => {
            header.first_chunk::<32>() == name.first_chunk()
                && header.last_chunk::<32>() == name.last_chunk()
        }
    }
}

/// A header, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) header: &'static Header,
    pub(super) family: &'static HeaderFamily,
    pub(super) order: u16,
    /// One of 64, different for most headers.
    pub(super) bit: u64,
}

static ROWS: [Row; HEADERS] = rows();

const HEADERS: usize = {
    let mut headers = 0;
    let mut family = 0;
    while family < COUNT {
        headers += FAMILIES[family].len();
        family += 1;
    }
    headers
};

const fn rows() -> [Row; HEADERS] {
    let first = Row {
        header: FAMILIES[0].header(0),
        family: &FAMILIES[0],
        order: 0,
        bit: 0,
    };
    let mut rows = [first; HEADERS];
    let mut row = 0;
    let mut family = 0;
    while family < COUNT {
        let mut place = 0;
        while place < FAMILIES[family].len() {
            rows[row] = Row {
                header: FAMILIES[family].header(place as u8),
                family: &FAMILIES[family],
                order: row as u16,
                bit: 1 << (row % 64),
            };
            row += 1;
            place += 1;
        }
        family += 1;
    }
    rows
}

/// How names are found.
struct Index {
    /// The row of each header, by the hash of its name, or behind.
    slots: [u8; SLOTS],
}

static INDEX: Index = Index::new();

/// Four times as many as there are headers, about.
const SLOTS: usize = 512;

/// As many bytes as any name has at least.
const SHORTEST: usize = 8;

/// No row.
const NONE: u8 = u8::MAX;

/// Returns where to look for a name first, by its length and two of its last letters, in whatever case.
///
/// Which letters, and the factors, are the ones of many that were tried with which none of the names that most servers
/// send has to be looked for twice, and ten of all.
#[inline]
const fn hash(length: usize, end: &[u8; SHORTEST]) -> usize {
    let letters = ((end[0] | 0x20) as usize, (end[4] | 0x20) as usize);
    length * 23 + letters.0 * 32 + letters.1 * 2
}

impl Index {
    const fn new() -> Self {
        assert!(HEADERS <= NONE as usize, "a row is a byte");
        let mut slots = [NONE; SLOTS];
        let mut row = 0;
        while row < HEADERS {
            let name = ROWS[row].header.name.as_bytes();
            let Some(end) = name.last_chunk() else {
                panic!("names are found by as many bytes");
            };
            let mut slot = hash(name.len(), end) % SLOTS;
            while slots[slot] != NONE {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = row as u8;
            row += 1;
        }
        Self { slots }
    }
}
