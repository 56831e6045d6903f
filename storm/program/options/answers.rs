//! The server's responses.

use std::time::Duration;

use breather_sim::Server;
use clap::{Args, ValueEnum};

use crate::number::{OrNone, offset, or_none, seconds};

#[derive(Args, Debug)]
pub(crate) struct Answers {
    /// Headers in which the server reports its limits
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Headers::All)]
    headers: Headers,

    /// `Retry-After` of rejections for the cap, in seconds, or `none`
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = or_none)]
    cap_retry_after: OrNone,

    /// Status of rejections for the cap
    #[arg(long, value_name = "STATUS", value_enum, default_value_t = Status::TooManyRequests)]
    cap_status: Status,

    /// How times are rounded to whole seconds
    #[arg(long, value_name = "WAY", value_enum, default_value_t = Rounding::Up)]
    rounding: Rounding,

    /// How resets are stated
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Form::Delta)]
    reset_form: Form,

    /// How far the server's clock is ahead of the clients'; negative if it is behind
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = offset)]
    skew: i32,

    /// How much too early resets and `Retry-After` are stated [default: not at all]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    early: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Headers {
    /// Limit, remaining and reset in every response, and `Retry-After` in rejections
    All,
    /// `Retry-After` in rejections
    RetryAfter,
    /// Only the status
    None,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Status {
    /// The same status as for rejections for quota
    #[value(name = "429")]
    TooManyRequests,
    /// The status of an overloaded server
    #[value(name = "503")]
    Unavailable,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Rounding {
    /// Up, never too early
    Up,
    /// Down, up to a second too early
    Down,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Form {
    /// In seconds from the response
    Delta,
    /// In seconds since 1970, with a `Date` header
    Epoch,
    /// In seconds since 1970, without a `Date` header
    BareEpoch,
}

impl Answers {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.headers != Headers::All && self.reset_form != Form::Delta {
            return Err("--reset-form expects --headers all".to_owned());
        }
        if self.headers == Headers::None && self.rounding != Rounding::Up {
            return Err("--rounding expects --headers all or retry-after".to_owned());
        }
        if self.headers == Headers::None && self.early.is_some() {
            return Err("--early expects --headers all or retry-after".to_owned());
        }
        if self.skew != 0 && self.reset_form == Form::Delta {
            return Err("--skew expects --reset-form epoch or bare-epoch".to_owned());
        }
        Ok(())
    }

    /// Applies these settings to a server.
    pub(crate) fn of(&self, server: Server) -> Server {
        server
            .with_headers(match self.headers {
                Headers::All => breather_sim::Headers::All,
                Headers::RetryAfter => breather_sim::Headers::RetryAfter,
                Headers::None => breather_sim::Headers::None,
            })
            .with_cap_retry_after(self.cap_retry_after.0.map(u64::from))
            .with_cap_status(match self.cap_status {
                Status::TooManyRequests => 429,
                Status::Unavailable => 503,
            })
            .with_rounding(match self.rounding {
                Rounding::Up => breather_sim::Rounding::Up,
                Rounding::Down => breather_sim::Rounding::Down,
            })
            .with_reset_form(match self.reset_form {
                Form::Delta => breather_sim::ResetForm::Delta,
                Form::Epoch => breather_sim::ResetForm::Epoch { date: true },
                Form::BareEpoch => breather_sim::ResetForm::Epoch { date: false },
            })
            .with_skew(self.skew.into())
            .with_early_hints(self.early.unwrap_or_default())
    }

    /// Returns a short description.
    pub(crate) fn words(&self) -> String {
        let mut words = match self.headers {
            Headers::All => "tells all",
            Headers::RetryAfter => "sends Retry-After alone",
            Headers::None => "says nothing but the status",
        }
        .to_owned();
        if self.cap_status == Status::Unavailable {
            words.push_str(", throttles with 503 for the cap");
        }
        if self.rounding == Rounding::Down {
            words.push_str(", rounds down");
        }
        words.push_str(match self.reset_form {
            Form::Delta => "",
            Form::Epoch => ", resets as epochs",
            Form::BareEpoch => ", resets as epochs without a Date",
        });
        if self.skew != 0 {
            let way = if self.skew > 0 { "ahead" } else { "behind" };
            let skew = self.skew.unsigned_abs();
            words.push_str(&format!(", by a clock {skew} s {way}"));
        }
        if let Some(early) = self.early {
            words.push_str(&format!(", {} s too early", early.as_secs_f64()));
        }
        words
    }
}
