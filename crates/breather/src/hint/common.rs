//! The headers that are read whoever sends them.

use core::time::Duration;

use super::family::{self, Family, LONGEST_NAME, Part, is_name};
use super::reading::Form;
use super::window::Unit;

/// The families whose names say enough to be read without a [`Dialect`](super::Dialect).
///
/// A server's headers are rows here and nothing else anywhere. Of delays, the first counts.
pub(super) static FAMILIES: [Family; COUNT] = [
    // Milliseconds before seconds; names that only one server uses before the one that all do.
    Family::new("retry-after")
        .with("grpc-retry-pushback-ms", Part::Pushback)
        .with("retry-after-ms", Part::Delay(Form::Millis))
        .with("x-ms-retry-after-ms", Part::Delay(Form::Millis))
        .with("x-amz-retry-after", Part::Delay(Form::Millis))
        // Oracle's gateway.
        .with("requestlimit-default-retryafter", Part::Delay(Form::Millis))
        .with("requestlimit-write-retryafter", Part::Delay(Form::Millis))
        // Traefik, which rounds its Retry-After to the nearest second.
        .with("x-retry-in", Part::Delay(Form::Units))
        .with("retry-after", Part::RetryAfter)
        .with("x-retry-after", Part::RetryAfter)
        .with("retryafter", Part::RetryAfter)
        .with("x-ratelimit-retry-after", Part::RetryAfter)
        // tower_governor.
        .with("x-ratelimit-after", Part::Delay(Form::Seconds)),
    Family::new("verdict")
        .with("x-should-retry", Part::Verdict)
        .with("stripe-should-retry", Part::Verdict),
    Family::new("remark")
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
    Family::new("ratelimit")
        .with("ratelimit", Part::RateLimit)
        .with("ratelimit-policy", Part::Policy)
        .with("ratelimit-limit", Part::Limit)
        .with("ratelimit-remaining", Part::Remaining)
        .with("ratelimit-observed", Part::Used)
        .with("ratelimit-reset", Part::Reset(Form::Any))
        .with("ratelimit-resettime", Part::Reset(Form::Any))
        .with("ratelimit-name", Part::Name)
        .with("docker-ratelimit-source", Part::Key),
    // GitHub, Reddit, Discord, Jira, WHOOP, Akamai, HighLevel and most others.
    Family::new("x-ratelimit")
        .with("x-ratelimit-limit", Part::Limit)
        .with("x-ratelimit-max", Part::Limit)
        .with("x-ratelimit-remaining", Part::Remaining)
        .with("x-ratelimit-used", Part::Used)
        .with("x-ratelimit-reset-after", Part::Reset(Form::Seconds))
        .with("x-ratelimit-reset", Part::Reset(Form::Any))
        .with("x-ratelimit-next", Part::Reset(Form::Any))
        .with("x-ratelimit-interval-seconds", Part::Length(Form::Seconds))
        .with(
            "x-ratelimit-interval-milliseconds",
            Part::Length(Form::Millis),
        )
        .with("x-ratelimit-resource", Part::Name)
        .with("x-ratelimit-bucket", Part::Key),
    // X, Okta, RingCentral; Zendesk's account.
    Family::new("x-rate-limit")
        .with("x-rate-limit-limit", Part::Limit)
        .with("x-rate-limit", Part::Limit)
        .with("x-rate-limit-remaining", Part::Remaining)
        .with("x-rate-limit-reset", Part::Reset(Form::Any))
        .with("x-rate-limit-window", Part::Length(Form::Seconds))
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
    // Genesys Cloud: `count` is what was used.
    Family::new("inin-ratelimit")
        .with("inin-ratelimit-allowed", Part::Limit)
        .with("inin-ratelimit-count", Part::Used)
        .with("inin-ratelimit-reset", Part::Reset(Form::Any)),
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
    .with_unit(Unit::Tokens),
    three(
        "output-tokens",
        "anthropic-ratelimit-output-tokens-limit",
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    )
    .with_unit(Unit::Tokens),
    Family::new("unified")
        .with_unit(Unit::Other)
        .with("anthropic-ratelimit-unified-reset", Part::Reset(Form::Any)),
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
    // Kong and those like it: the window is in the name. HighLevel has a day of its own.
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
        Part::Length(Form::Millis),
    ),
    // Shopify, and its like at Gorgias: a bucket, without a reset.
    Family::new("shop").with("x-shopify-shop-api-call-limit", Part::UsedOfLimit),
    Family::new("account").with("x-gorgias-account-api-call-limit", Part::UsedOfLimit),
    // Zendesk, by endpoint; Auth0, by client and organisation.
    Family::new("tickets-index").with("zendesk-ratelimit-tickets-index", Part::Pairs),
    Family::new("client").with("auth0-client-quota-limit", Part::Pairs),
    Family::new("organization").with("auth0-organization-quota-limit", Part::Pairs),
    Family::new("sforce").with("sforce-limit-info", Part::Usages),
    // Azure's resource manager.
    Family::new("subscription-reads").with(
        "x-ms-ratelimit-remaining-subscription-reads",
        Part::Remaining,
    ),
    Family::new("subscription-writes").with(
        "x-ms-ratelimit-remaining-subscription-writes",
        Part::Remaining,
    ),
    Family::new("subscription-deletes").with(
        "x-ms-ratelimit-remaining-subscription-deletes",
        Part::Remaining,
    ),
    Family::new("tenant-reads").with("x-ms-ratelimit-remaining-tenant-reads", Part::Remaining),
    Family::new("tenant-writes").with("x-ms-ratelimit-remaining-tenant-writes", Part::Remaining),
    Family::new("resource").with("x-ms-ratelimit-remaining-resource", Part::Resources),
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

const fn two(name: &'static str, limit: &'static str, remaining: &'static str) -> Family {
    Family::new(name)
        .with(limit, Part::Limit)
        .with(remaining, Part::Remaining)
}

const fn three(
    name: &'static str,
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
) -> Family {
    family::three(name, limit, remaining, reset, Form::Any)
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The header called `name`, in whatever case: its family, and its place there.
pub(super) fn find(name: &[u8]) -> Option<(&'static Family, u8)> {
    let mut slot = hash(name);
    // The table is never full.
    while let Some(Place { family, place }) = INDEX.slots[slot % SLOTS] {
        let family = &FAMILIES[usize::from(family)];
        if is_name(family.header(place).name, name) {
            return Some((family, place));
        }
        slot += 1;
    }
    None
}

/// Whether a header of that name may be one of them: of most, the length or the first byte says that it is not.
#[inline]
pub(super) fn may_be(name: &[u8]) -> bool {
    let Some(&first) = name.first() else {
        return false;
    };
    let letter = usize::from((first | 0x20).wrapping_sub(b'a'));
    letter < 26 && name.len() <= LONGEST_NAME && INDEX.lengths[letter] >> name.len() & 1 == 1
}

/// Where each header stands.
struct Index {
    /// By its hash, or behind.
    slots: [Option<Place>; SLOTS],
    /// For each first letter, the lengths that there are, as bits.
    lengths: [u64; 26],
}

#[derive(Clone, Copy)]
struct Place {
    family: u8,
    place: u8,
}

static INDEX: Index = Index::new();

/// Four times as many as there are headers, about.
const SLOTS: usize = 512;

/// Where to look for a name first: by its length and some of its letters, in whatever case.
const fn hash(name: &[u8]) -> usize {
    let length = name.len();
    if length == 0 {
        return 0;
    }
    let last = (name[length - 1] | 0x20) as usize;
    let middle = (name[length / 2] | 0x20) as usize;
    let third = (name[length / 3] | 0x20) as usize;
    length * 7 + last * 31 + middle * 131 + third * 17
}

impl Index {
    const fn new() -> Self {
        let mut slots = [None; SLOTS];
        let mut lengths = [0; 26];
        let mut family = 0;
        while family < COUNT {
            let mut place = 0;
            while place < FAMILIES[family].len() {
                let name = FAMILIES[family].header(place as u8).name.as_bytes();
                let mut slot = hash(name) % SLOTS;
                while slots[slot].is_some() {
                    slot = (slot + 1) % SLOTS;
                }
                slots[slot] = Some(Place {
                    family: family as u8,
                    place: place as u8,
                });
                lengths[(name[0] - b'a') as usize] |= 1 << name.len();
                place += 1;
            }
            family += 1;
        }
        Self { slots, lengths }
    }
}
