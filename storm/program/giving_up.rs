//! Callers that give up their calls.

use std::time::Duration;

use crate::number::{seconds, share};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct GivingUp {
    pub(crate) share: f64,
    pub(crate) within: Duration,
}

impl GivingUp {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parse = || {
            let (of, within) = text.split_once(':')?;
            Some(Self {
                share: share(1.0)(of).ok()?,
                within: seconds(within).ok()?,
            })
        };
        parse().ok_or_else(|| {
            "expected a share from 0 to 1, and seconds from 0.001 to 86400, as 0.3:10".to_owned()
        })
    }
}
