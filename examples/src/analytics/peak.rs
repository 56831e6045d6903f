use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Counts the most events within any one second.
#[derive(Debug, Default)]
pub(super) struct Peak {
    /// Only the events of the last second, so that the peak bounds the memory.
    recent: VecDeque<Instant>,
    most: usize,
}

impl Peak {
    pub(super) fn on_event(&mut self, now: Instant) {
        while let Some(&oldest) = self.recent.front() {
            if now.duration_since(oldest) < SECOND {
                break;
            }
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.most = self.most.max(self.recent.len());
    }

    pub(super) fn most(&self) -> u64 {
        self.most as u64
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_slides() {
        let start = Instant::now();
        let mut peak = Peak::default();
        // The second from 0.8 s has six events, although no second of the clock has more than four.
        for ms in [0, 800, 900, 950, 1000, 1100, 1799, 2500] {
            peak.on_event(start + Duration::from_millis(ms));
        }
        assert_eq!(peak.most(), 6);
        assert_eq!(peak.recent.len(), 2);
    }

    #[test]
    fn second_is_half_open() {
        let start = Instant::now();
        let mut peak = Peak::default();
        peak.on_event(start);
        peak.on_event(start + SECOND);
        assert_eq!(peak.most(), 1);
    }
}
