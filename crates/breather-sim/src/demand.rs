//! The demands of a call on a server's limits.

use breather::hint::Unit;

/// The token, the cost and the route of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Demand {
    /// The number of the token, if calls use tokens.
    pub(crate) token: Option<usize>,
    /// The cost in a unit other than requests.
    pub(crate) cost: Option<(Unit, u64)>,
    /// Whether the call goes to a route that the server always throttles.
    pub(crate) is_barred: bool,
}

impl Demand {
    /// Returns the same cost without a token.
    pub(crate) const fn without_token(self) -> Self {
        Self {
            token: None,
            ..self
        }
    }

    /// Returns the cost in `unit`. Every call costs one request.
    pub(crate) fn cost(&self, unit: Unit) -> u64 {
        match self.cost {
            _ if unit == Unit::Requests => 1,
            Some((own, cost)) if own == unit => cost,
            _ => 0,
        }
    }
}
