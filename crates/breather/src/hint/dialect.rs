//! How a server that is known writes its headers.

use super::family::{Family, Part, is_name, three};
use super::reading::Form;
use super::window::Unit;

/// How a server that is known writes its headers, where their names say too little.
///
/// Most need none: names and magnitudes tell. But `x-rate-limit-reset: 600000` is a week in seconds and ten minutes in
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
/// use breather::{Dialect, Family, Form, Hint, Instant, Moment};
/// use core::time::Duration;
///
/// const ACME: Dialect = Dialect::new(
///     "acme",
///     &[Family::new("acme")
///         .with_limit("acme-calls")
///         .with_used("acme-calls-used")
///         .with_reset("acme-calls-renewed", Form::Millis)],
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
    families: &'static [Family],
}

macro_rules! dialects {
    ($($(#[$doc:meta])+ $function:ident = $name:literal: $families:expr;)+) => {
        impl Dialect {
            $($(#[$doc])+ pub const fn $function() -> Self {
                const FAMILIES: &[Family] = &$families;
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
    /// Akamai's APIs: `x-ratelimit-next` is a date.
    akamai = "akamai": [Family::new("x-ratelimit")
        .with_limit("x-ratelimit-limit")
        .with_remaining("x-ratelimit-remaining")
        .with_reset("x-ratelimit-next", Form::Date)];
    /// Anthropic: dates, and one epoch.
    anthropic = "anthropic": [
        three("requests", "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset", Form::Date),
        three("tokens", "anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset", Form::Date).with_unit(Unit::Tokens),
        three("input-tokens", "anthropic-ratelimit-input-tokens-limit", "anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset", Form::Date).with_unit(Unit::Tokens),
        three("output-tokens", "anthropic-ratelimit-output-tokens-limit", "anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset", Form::Date).with_unit(Unit::Tokens),
        Family::new("unified").with_unit(Unit::Other).with_reset("anthropic-ratelimit-unified-reset", Form::EpochSeconds),
    ];
    /// Auth0: epochs in seconds.
    auth0 = "auth0": [x_ratelimit(Form::EpochSeconds)];
    /// Azure OpenAI: whole seconds.
    azure_openai = "azure-openai": [
        three("requests", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", Form::Seconds),
        three("tokens", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", Form::Seconds).with_unit(Unit::Tokens),
    ];
    /// Discord: seconds from now with a fraction, before an epoch with one.
    discord = "discord": [x_ratelimit_names()
        .with_reset("x-ratelimit-reset-after", Form::Seconds)
        .with_reset("x-ratelimit-reset", Form::EpochSeconds)
        .with("x-ratelimit-bucket", Part::Key)];
    /// Docker Hub's API: epochs in seconds; `Retry-After` is one too, or seconds from now.
    docker_hub = "docker-hub": [
        x_ratelimit(Form::EpochSeconds),
        Family::new("retry-after")
            .with_delay("x-retry-after", Form::Any)
            .with_delay("retry-after", Form::Any),
    ];
    /// Genesys Cloud: seconds from now.
    genesys = "genesys": [Family::new("inin-ratelimit")
        .with_limit("inin-ratelimit-allowed")
        .with_used("inin-ratelimit-count")
        .with_reset("inin-ratelimit-reset", Form::Seconds)];
    /// GitHub: epochs in seconds.
    github = "github": [x_ratelimit(Form::EpochSeconds)
        .with_used("x-ratelimit-used")
        .with_name_in("x-ratelimit-resource")];
    /// GitLab: an epoch in seconds under the IETF's name.
    gitlab = "gitlab": [ratelimit(Form::EpochSeconds)
        .with_used("ratelimit-observed")
        .with_reset("ratelimit-resettime", Form::Date)
        .with_name_in("ratelimit-name")];
    /// Helix ALM: seconds from now.
    helix = "helix": [x_ratelimit(Form::Seconds)];
    /// The IETF's drafts: seconds from now.
    ietf = "ietf": [ratelimit(Form::Seconds)];
    /// Jira Cloud: dates without seconds.
    jira = "jira": [x_ratelimit(Form::Date)];
    /// lemlist: dates as JavaScript prints them.
    lemlist = "lemlist": [x_ratelimit(Form::Date)];
    /// Linear: epochs in milliseconds.
    linear = "linear": [
        three("requests", "x-ratelimit-requests-limit", "x-ratelimit-requests-remaining", "x-ratelimit-requests-reset", Form::EpochMillis),
        three("complexity", "x-ratelimit-complexity-limit", "x-ratelimit-complexity-remaining", "x-ratelimit-complexity-reset", Form::EpochMillis).with_unit(Unit::Points),
        three("endpoint-requests", "x-ratelimit-endpoint-requests-limit", "x-ratelimit-endpoint-requests-remaining", "x-ratelimit-endpoint-requests-reset", Form::EpochMillis),
    ];
    /// MailerLite: seconds to wait, and a date.
    mailerlite = "mailerlite": [
        x_ratelimit(Form::Date),
        Family::new("retry-after").with_delay("x-ratelimit-retry-after", Form::Seconds),
    ];
    /// Okta: epochs in seconds.
    okta = "okta": [x_rate_limit(Form::EpochSeconds)];
    /// OpenAI: durations with units.
    openai = "openai": [
        three("requests", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", Form::Units),
        three("tokens", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", Form::Units).with_unit(Unit::Tokens),
    ];
    /// Prisjakt: milliseconds from now, under the name that X and Okta use for an epoch.
    prisjakt = "prisjakt": [x_rate_limit(Form::Millis)];
    /// Reddit: seconds from now.
    reddit = "reddit": [x_ratelimit(Form::Seconds).with_used("x-ratelimit-used")];
    /// Twitch: an epoch in seconds under the IETF's name.
    twitch = "twitch": [ratelimit(Form::EpochSeconds)];
    /// WHOOP: seconds from now.
    whoop = "whoop": [x_ratelimit(Form::Seconds)];
    /// X: epochs in seconds.
    x = "x": [x_rate_limit(Form::EpochSeconds)];
    /// Zendesk: seconds from now.
    zendesk = "zendesk": [ratelimit(Form::Seconds)];
}

impl Dialect {
    /// A dialect of some families of headers.
    pub const fn new(name: &'static str, families: &'static [Family]) -> Self {
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

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn families(&self) -> &'static [Family] {
        self.families
    }

    /// The header called `name`, in whatever case: its family, and its place there.
    pub(super) fn find(&self, name: &[u8]) -> Option<(&'static Family, u8)> {
        self.families.iter().find_map(|family| {
            let mut headers = family.headers();
            let at = headers.position(|header| is_name(header.name, name))?;
            Some((family, at as u8))
        })
    }
}

const fn x_ratelimit_names() -> Family {
    Family::new("x-ratelimit")
        .with_limit("x-ratelimit-limit")
        .with_remaining("x-ratelimit-remaining")
}

const fn x_ratelimit(reset: Form) -> Family {
    x_ratelimit_names().with_reset("x-ratelimit-reset", reset)
}

const fn x_rate_limit(reset: Form) -> Family {
    three(
        "x-rate-limit",
        "x-rate-limit-limit",
        "x-rate-limit-remaining",
        "x-rate-limit-reset",
        reset,
    )
}

const fn ratelimit(reset: Form) -> Family {
    three(
        "ratelimit",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        reset,
    )
}
