//! Policies in configuration files.

mod backoff;
mod jitter;
mod number;

use core::time::Duration;

use serde_core::de::{Deserialize, Deserializer, Error as _, MapAccess};
use serde_core::ser::{Error as _, Serialize, SerializeStruct, Serializer};

use self::backoff::{BackoffFile, WrittenBackoff};
use self::jitter::{JitterFile, WrittenJitter};
use super::Policy;
use crate::file::duration::{Bound, WrittenBound};
use crate::file::field::{Found, Place, Value, Visitor, table};

const ROOT: Place = Place::root("policy");

/// The preset on which the policy in a file is based.
#[derive(Clone, Copy, Debug)]
enum Preset {
    Interactive,
    Batch,
    Patient,
    NoRetries,
}

impl Preset {
    const fn policy(self) -> Policy {
        match self {
            Self::Interactive => Policy::interactive(),
            Self::Batch => Policy::batch(),
            Self::Patient => Policy::patient(),
            Self::NoRetries => Policy::no_retries(),
        }
    }
}

impl Value for Preset {
    const EXPECTED: &'static str = r#""interactive", "batch", "patient" or "no_retries""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match found {
            Found::Text("interactive") => Ok(Self::Interactive),
            Found::Text("batch") => Ok(Self::Batch),
            Found::Text("patient") => Ok(Self::Patient),
            Found::Text("no_retries") => Ok(Self::NoRetries),
            _ => Err("is no preset"),
        }
    }
}

table! {
    /// The fields of a policy in a file. Absent fields keep the value of the preset.
    ///
    /// A new field needs a line here, in `PolicyFile::policy` and in `Policy::serialize`.
    struct PolicyFile {
        preset: Preset,
        max_retries: u32,
        max_throttles: u32,
        deadline: Bound,
        attempt_timeout: Bound,
        max_queue_time: Bound,
        max_retry_after: Bound,
        backoff: BackoffFile,
        jitter: JitterFile,
        polling: BackoffFile,
    }
}

impl PolicyFile {
    fn policy(self) -> Result<Policy, String> {
        let mut policy = self.preset.map_or(Policy::new(), Preset::policy);
        if let Some(retries) = self.max_retries {
            policy = policy.with_max_retries(retries);
        }
        if let Some(refusals) = self.max_throttles {
            policy = policy.with_max_throttles(refusals);
        }
        if let Some(Bound(deadline)) = self.deadline {
            policy.deadline = deadline;
        }
        if let Some(Bound(timeout)) = self.attempt_timeout {
            policy.attempt_timeout = timeout;
        }
        if let Some(Bound(longest)) = self.max_queue_time {
            policy.max_queue_time = longest;
        }
        if let Some(Bound(longest)) = self.max_retry_after {
            policy = policy.with_max_retry_after(longest.unwrap_or(Duration::MAX));
        }
        if let Some(backoff) = self.backoff {
            policy = policy.with_backoff(backoff.onto(policy.backoff, ROOT.field("backoff"))?);
        }
        if let Some(jitter) = self.jitter {
            policy = policy.with_jitter(jitter.onto(policy.jitter));
        }
        if let Some(polling) = self.polling {
            policy = policy.with_polling(polling.onto(policy.polling, ROOT.field("polling"))?);
        }
        Ok(policy)
    }
}

impl Value for Policy {
    const EXPECTED: &'static str = "a table of settings";

    fn read(_: &Found<'_>) -> Result<Self, &'static str> {
        Err("is no policy")
    }

    fn read_table<'de, A: MapAccess<'de>>(place: Place, map: A) -> Result<Self, A::Error> {
        let file = PolicyFile::from_map(place, map)?;
        file.policy().map_err(A::Error::custom)
    }
}

/// Reads a policy from a table of settings.
///
/// See [`Policy`], section "In a file".
impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // `deserialize_struct` tells serde's `flatten` which fields to pass on. `deserialize_any`
        // does not.
        let policy = Visitor::<Self>::new(ROOT);
        from.deserialize_struct("Policy", PolicyFile::FIELDS, policy)
    }
}

/// Writes all settings, including the defaults.
///
/// The file keeps its meaning even if a default changes. A default cap is left out if reading it
/// back would change the policy.
impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self {
            backoff,
            jitter,
            max_retries,
            max_throttles,
            deadline,
            attempt_timeout,
            max_queue_time,
            max_retry_after: _,
            polling,
            once,
            dialects,
        } = *self;
        if !dialects.is_empty() {
            return Err(S::Error::custom("dialects cannot be written to a file"));
        }
        let mut fields = to.serialize_struct("Policy", if once { 8 } else { 9 })?;
        if once {
            // Either field would permit a second attempt again, like its setter.
            fields.serialize_field("preset", "no_retries")?;
            fields.skip_field("max_retries")?;
            fields.skip_field("max_throttles")?;
        } else {
            fields.skip_field("preset")?;
            fields.serialize_field("max_retries", &max_retries)?;
            fields.serialize_field("max_throttles", &max_throttles)?;
        }
        fields.serialize_field("deadline", &WrittenBound(deadline))?;
        fields.serialize_field("attempt_timeout", &WrittenBound(attempt_timeout))?;
        fields.serialize_field("max_queue_time", &WrittenBound(max_queue_time))?;
        let longest = Some(self.max_retry_after()).filter(|&longest| longest < Duration::MAX);
        fields.serialize_field("max_retry_after", &WrittenBound(longest))?;
        fields.serialize_field("backoff", &WrittenBackoff(backoff))?;
        fields.serialize_field("jitter", &WrittenJitter(jitter))?;
        fields.serialize_field("polling", &WrittenBackoff(polling))?;
        fields.end()
    }
}
