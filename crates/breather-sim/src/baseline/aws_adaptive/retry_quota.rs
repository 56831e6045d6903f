//! The quota of tokens for retries.

/// Tokens that retries cost and that successes give back.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryQuota {
    tokens: u32,
    most: u32,
}

impl RetryQuota {
    /// Creates a full quota.
    pub(super) const fn new(most: u32) -> Self {
        let tokens = most;
        Self { tokens, most }
    }

    /// Takes the cost of a retry, or returns `None` if there are too few tokens.
    pub(super) fn pay(&mut self, cost: u32) -> Option<()> {
        self.tokens = self.tokens.checked_sub(cost)?;
        Some(())
    }

    /// Gives tokens back after a success.
    pub(super) fn refund(&mut self, tokens: u32) {
        self.tokens = self.tokens.saturating_add(tokens).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tokens_are_not_paid_and_excess_tokens_are_lost() {
        let mut quota = RetryQuota::new(20);
        assert_eq!(
            [14, 14, 5, 5].map(|cost| quota.pay(cost).is_some()),
            [true, false, true, false]
        );
        assert_eq!(quota.tokens, 1);
        quota.refund(14);
        assert_eq!(quota.tokens, 15);
        quota.refund(u32::MAX);
        assert_eq!(quota.tokens, 20);
    }
}
