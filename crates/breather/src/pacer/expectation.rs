//! What an epoch is expected to give, where no answer says what remains.

/// How many an epoch is expected to give: as many as the one before, and then more, by and by.
///
/// (A bucket of 300 that gains 5 a second throttled 7 of 8 sends without this if it says nothing, and 4 of 5 if it
/// says until when.)
#[derive(Debug, Default)]
pub(super) struct Expectation {
    /// What the epoch before gave.
    usual: Option<u64>,
    harvest: Harvest,
    /// Of how many nobody knows what became.
    lost: u64,
}

/// How many were accepted in an epoch, and how many throttled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Harvest {
    pub(super) accepted: u64,
    pub(super) throttled: u64,
}

impl Expectation {
    pub(super) fn on_accepted(&mut self) {
        self.harvest.accepted += 1;
    }

    pub(super) fn on_throttled(&mut self) {
        self.harvest.throttled += 1;
    }

    /// Nobody knows what became of one.
    pub(super) fn on_lost(&mut self) {
        self.lost += 1;
    }

    pub(super) const fn harvest(&self) -> Harvest {
        self.harvest
    }

    /// A new epoch begins. What the last one gave is typical if the server drew its end. Few are to be expected of
    /// a short rest, until one has shown what it brings: of a bucket's, as many were throttled as its burst had.
    pub(super) fn renew(&mut self, is_typical: bool, is_short: bool) {
        if self.harvest.accepted > 0 {
            let usual = match self.usual {
                None if is_short => self.harvest.accepted.min(FEW),
                _ => self.harvest.accepted,
            };
            self.usual = is_typical.then_some(usual);
        }
        self.harvest = Harvest::default();
        self.lost = 0;
    }

    /// How many more may be sent when `sent` were, in this epoch. `None` if nothing is expected.
    ///
    /// What was throttled for company does not count. One more than usual may be in flight, and two more for each that was accepted beyond.
    pub(super) fn left(&self, sent: u64) -> Option<u64> {
        let usual = self.usual?;
        let beyond = (self.harvest.accepted + self.lost).saturating_sub(usual);
        let allowed = usual.saturating_add(1).saturating_add(beyond * 2);
        let counted = sent.saturating_sub(self.harvest.throttled);
        Some(allowed.saturating_sub(counted))
    }
}

/// Doubled thrice by what is accepted beyond, in three times the service time.
const FEW: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// After an epoch that gave 5.
    fn after_five(is_short: bool) -> Expectation {
        let mut expectation = Expectation::default();
        assert_eq!(expectation.left(1_000), None);
        (0..5).for_each(|_| expectation.on_accepted());
        expectation.renew(true, is_short);
        expectation
    }

    #[test]
    fn as_many_as_before_and_one_more() {
        let mut expectation = after_five(false);
        assert_eq!(expectation.left(0), Some(6));
        assert_eq!(expectation.left(6), Some(0));
        (0..5).for_each(|_| expectation.on_accepted());
        assert_eq!(expectation.left(6), Some(0));
    }

    #[test]
    fn each_that_is_accepted_beyond_lets_two_more_go() {
        let mut expectation = after_five(false);
        (0..6).for_each(|_| expectation.on_accepted());
        assert_eq!(expectation.left(6), Some(2));
        expectation.on_accepted();
        expectation.on_lost();
        assert_eq!(expectation.left(8), Some(4));
    }

    #[test]
    fn what_was_throttled_for_company_may_be_sent_again() {
        let mut expectation = after_five(false);
        expectation.on_throttled();
        assert_eq!(expectation.left(6), Some(1));
    }

    #[test]
    fn an_epoch_that_gave_nothing_tells_nothing() {
        let mut expectation = after_five(false);
        expectation.renew(true, false);
        assert_eq!(expectation.left(0), Some(6));
    }

    #[test]
    fn one_that_we_ended_ourselves_is_no_measure() {
        let mut expectation = after_five(false);
        expectation.on_accepted();
        expectation.renew(false, false);
        assert_eq!(expectation.left(0), None);
    }

    #[test]
    fn little_is_expected_of_the_first_short_rest() {
        let mut expectation = Expectation::default();
        (0..300).for_each(|_| expectation.on_accepted());
        expectation.renew(true, true);
        assert_eq!(expectation.left(0), Some(FEW + 1));
        (0..20).for_each(|_| expectation.on_accepted());
        expectation.renew(true, true);
        assert_eq!(expectation.left(0), Some(21));
    }
}
