//! How a server that is known writes its headers.

use super::family::{Header, HeaderFamily, Part, is_name, three};
use super::reading::TimeFormat;
use super::unit::Unit;

/// How a server that is known writes its headers, where their names say too little.
///
/// Most servers need no dialect, because names and magnitudes tell. But `x-rate-limit-reset: 600000` is a week in seconds and ten minutes in
/// milliseconds, and only who knows the server can say. A dialect says it for the headers that it names; all others
/// are read as ever. Of several dialects, the first that names a header counts.
///
/// Set them for all calls of a [`Policy`](crate::Policy::with_dialects), or for a scope of a
/// [`Breather`](crate::Breather::set_dialects).
///
/// # Example
///
/// An API of one's own:
///
/// ```
/// use breather::{Dialect, Hint, driver::{Instant, Moment}, hint::{HeaderFamily, TimeFormat}};
/// use core::time::Duration;
///
/// const ACME: Dialect = Dialect::new(
///     "acme",
///     &[HeaderFamily::new("acme")
///         .with_limit("acme-calls")
///         .with_used("acme-calls-used")
///         .with_reset("acme-calls-renewed", TimeFormat::Millis)],
/// );
///
/// let headers: [(&str, &[u8]); 3] = [
///     ("Acme-Calls", b"20"),
///     ("Acme-Calls-Used", b"20"),
///     ("Acme-Calls-Renewed", b"1500"),
/// ];
/// let moment = Moment::new(Instant::ORIGIN).with_dialects(&[ACME]);
/// let hint = Hint::read(headers, moment);
/// assert_eq!(hint.windows().next().unwrap().remaining(), Some(0));
/// assert_eq!(hint.not_before(), Some(Instant::ORIGIN + Duration::from_millis(1_500)));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Dialect {
    name: &'static str,
    families: &'static [HeaderFamily],
}

macro_rules! dialects {
    ($($(#[$doc:meta])+ $function:ident = $name:literal: $families:expr;)+) => {
        impl Dialect {
            $($(#[$doc])+ pub const fn $function() -> Self {
                const FAMILIES: &[HeaderFamily] = &$families;
                Self::new($name, FAMILIES)
            })+

            /// All that are known here, in the order of their names.
            pub const fn all() -> &'static [Self] {
                const ALL: &[Dialect] = &[$(Dialect::$function()),+];
                ALL
            }
        }
    };
}

dialects! {
    /// Akamai's APIs. `x-ratelimit-next` is a date.
    akamai = "akamai": [HeaderFamily::new("x-ratelimit")
        .with_limit("x-ratelimit-limit")
        .with_remaining("x-ratelimit-remaining")
        .with_reset("x-ratelimit-next", TimeFormat::Date)];
    /// Anthropic. Dates, and one epoch.
    anthropic = "anthropic": [
        three("requests", "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset", TimeFormat::Date),
        three("tokens", "anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset", TimeFormat::Date).with_unit(Unit::Tokens),
        three("input-tokens", "anthropic-ratelimit-input-tokens-limit", "anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset", TimeFormat::Date).with_unit(Unit::InputTokens),
        three("output-tokens", "anthropic-ratelimit-output-tokens-limit", "anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset", TimeFormat::Date).with_unit(Unit::OutputTokens),
        HeaderFamily::new("unified").with_unit(Unit::Other).with_reset("anthropic-ratelimit-unified-reset", TimeFormat::EpochSeconds),
    ];
    /// Auth0. Epochs in seconds.
    auth0 = "auth0": [x_ratelimit(TimeFormat::EpochSeconds)];
    /// Azure OpenAI. Whole seconds.
    azure_openai = "azure-openai": [
        three("requests", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", TimeFormat::Seconds),
        three("tokens", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", TimeFormat::Seconds).with_unit(Unit::Tokens),
    ];
    /// Discord. Seconds from now with a fraction, before an epoch with one.
    discord = "discord": [x_ratelimit_names()
        .with_reset("x-ratelimit-reset-after", TimeFormat::Seconds)
        .with_reset("x-ratelimit-reset", TimeFormat::EpochSeconds)
        .with("x-ratelimit-bucket", Part::Key)];
    /// Docker Hub's API. Epochs in seconds. `Retry-After` is one too, or seconds from now.
    docker_hub = "docker-hub": [
        x_ratelimit(TimeFormat::EpochSeconds),
        HeaderFamily::new("retry-after")
            .with_delay("x-retry-after", TimeFormat::Any)
            .with_delay("retry-after", TimeFormat::Any),
    ];
    /// Genesys Cloud. Seconds from now.
    genesys = "genesys": [HeaderFamily::new("inin-ratelimit")
        .with_limit("inin-ratelimit-allowed")
        .with_used("inin-ratelimit-count")
        .with_reset("inin-ratelimit-reset", TimeFormat::Seconds)];
    /// GitHub. Epochs in seconds.
    github = "github": [x_ratelimit(TimeFormat::EpochSeconds)
        .with_used("x-ratelimit-used")
        .with_name_in("x-ratelimit-resource")];
    /// GitLab. An epoch in seconds under the IETF's name.
    gitlab = "gitlab": [ratelimit(TimeFormat::EpochSeconds)
        .with_used("ratelimit-observed")
        .with_reset("ratelimit-resettime", TimeFormat::Date)
        .with_name_in("ratelimit-name")];
    /// Helix ALM. Seconds from now.
    helix = "helix": [x_ratelimit(TimeFormat::Seconds)];
    /// The IETF's drafts. Seconds from now.
    ietf = "ietf": [ratelimit(TimeFormat::Seconds)];
    /// Jira Cloud. Dates without seconds.
    jira = "jira": [x_ratelimit(TimeFormat::Date)];
    /// lemlist. Dates as JavaScript prints them.
    lemlist = "lemlist": [x_ratelimit(TimeFormat::Date)];
    /// Linear. Epochs in milliseconds.
    linear = "linear": [
        three("requests", "x-ratelimit-requests-limit", "x-ratelimit-requests-remaining", "x-ratelimit-requests-reset", TimeFormat::EpochMillis),
        three("complexity", "x-ratelimit-complexity-limit", "x-ratelimit-complexity-remaining", "x-ratelimit-complexity-reset", TimeFormat::EpochMillis).with_unit(Unit::Points),
        three("endpoint-requests", "x-ratelimit-endpoint-requests-limit", "x-ratelimit-endpoint-requests-remaining", "x-ratelimit-endpoint-requests-reset", TimeFormat::EpochMillis),
    ];
    /// MailerLite. Seconds to wait, and a date.
    mailerlite = "mailerlite": [
        x_ratelimit(TimeFormat::Date),
        HeaderFamily::new("retry-after").with_delay("x-ratelimit-retry-after", TimeFormat::Seconds),
    ];
    /// Okta. Epochs in seconds.
    okta = "okta": [x_rate_limit(TimeFormat::EpochSeconds)];
    /// OpenAI. Durations with units.
    openai = "openai": [
        three("requests", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", TimeFormat::Units),
        three("tokens", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", TimeFormat::Units).with_unit(Unit::Tokens),
    ];
    /// Prisjakt. Milliseconds from now, under the name that X and Okta use for an epoch.
    prisjakt = "prisjakt": [x_rate_limit(TimeFormat::Millis)];
    /// Reddit. Seconds from now.
    reddit = "reddit": [x_ratelimit(TimeFormat::Seconds).with_used("x-ratelimit-used")];
    /// Twitch. An epoch in seconds under the IETF's name.
    twitch = "twitch": [ratelimit(TimeFormat::EpochSeconds)];
    /// WHOOP. Seconds from now.
    whoop = "whoop": [x_ratelimit(TimeFormat::Seconds)];
    /// X. Epochs in seconds.
    x = "x": [x_rate_limit(TimeFormat::EpochSeconds)];
    /// Zendesk. Seconds from now.
    zendesk = "zendesk": [ratelimit(TimeFormat::Seconds)];
}

impl Dialect {
    /// A dialect of some families of headers.
    pub const fn new(name: &'static str, families: &'static [HeaderFamily]) -> Self {
        Self { name, families }
    }

    /// The one of [`all`](Self::all) that is called `name`.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Dialect;
    ///
    /// assert_eq!(Dialect::named("github").unwrap().name(), "github");
    /// assert!(Dialect::named("gopher").is_none());
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let known = Self::all().iter().find(|dialect| dialect.name == name);
        known.copied()
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn families(&self) -> &'static [HeaderFamily] {
        self.families
    }

    /// Returns the header called `name`, in whatever case, its place in the dialect, and its family.
    pub(super) fn find(
        &self,
        name: &[u8],
    ) -> Option<(&'static Header, u16, &'static HeaderFamily)> {
        let families = self.families.iter();
        let headers = families.flat_map(|family| family.headers().map(move |it| (it, family)));
        let mut headers = headers.zip(0..);
        let found = headers.find(|((header, _), _)| is_name(header.name, name));
        found.map(|((header, family), order)| (header, order, family))
    }
}

const fn x_ratelimit_names() -> HeaderFamily {
    HeaderFamily::new("x-ratelimit")
        .with_limit("x-ratelimit-limit")
        .with_remaining("x-ratelimit-remaining")
}

const fn x_ratelimit(reset: TimeFormat) -> HeaderFamily {
    x_ratelimit_names().with_reset("x-ratelimit-reset", reset)
}

const fn x_rate_limit(reset: TimeFormat) -> HeaderFamily {
    three(
        "x-rate-limit",
        "x-rate-limit-limit",
        "x-rate-limit-remaining",
        "x-rate-limit-reset",
        reset,
    )
}

const fn ratelimit(reset: TimeFormat) -> HeaderFamily {
    three(
        "ratelimit",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        reset,
    )
}
