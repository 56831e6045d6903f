use std::{
    collections::HashMap,
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// The bulk jobs. The caller passes the time, as with the gate.
#[derive(Debug)]
pub(super) struct Jobs {
    most: NonZeroU32,
    takes: Duration,
    fail: bool,
    jobs: HashMap<String, Instant>,
    /// The ids of jobs that were submitted with a key, by key.
    by_key: HashMap<String, String>,
    submitted: u64,
}

impl Jobs {
    pub(super) fn new(most: NonZeroU32, takes: Duration, fail: bool) -> Self {
        Self {
            most,
            takes,
            fail,
            jobs: HashMap::new(),
            by_key: HashMap::new(),
            submitted: 0,
        }
    }

    /// Makes a job, or returns the job that was made for the same key.
    ///
    /// # Errors
    ///
    /// Returns the time until one of the running jobs is over, if too many are running.
    pub(super) fn submit(&mut self, key: Option<&str>, now: Instant) -> Result<String, Duration> {
        if let Some(id) = key.and_then(|key| self.by_key.get(key)) {
            return Ok(id.clone());
        }
        let running = self.jobs.values().map(|&start| self.left(start, now));
        let running: Vec<_> = running.filter(|left| !left.is_zero()).collect();
        if running.len() >= self.most.get() as usize {
            return Err(running.into_iter().min().unwrap_or_default());
        }
        self.submitted += 1;
        let id = format!("job-{:08x}", self.submitted);
        self.jobs.insert(id.clone(), now);
        if let Some(key) = key {
            self.by_key.insert(key.to_owned(), id.clone());
        }
        Ok(id)
    }

    pub(super) fn state(&self, id: &str, now: Instant) -> Option<JobState> {
        let left = self.left(*self.jobs.get(id)?, now);
        Some(if left.is_zero() && self.fail {
            JobState::Failed
        } else if left.is_zero() {
            JobState::Fulfilled
        } else if left > self.takes / 2 {
            JobState::Queued { left }
        } else {
            JobState::Pending { left }
        })
    }

    /// Deletes a job, and returns whether it existed.
    pub(super) fn delete(&mut self, id: &str) -> bool {
        self.by_key.retain(|_, job| job != id);
        self.jobs.remove(id).is_some()
    }

    /// Returns the number of jobs made so far.
    pub(super) fn submitted(&self) -> u64 {
        self.submitted
    }

    fn left(&self, start: Instant, now: Instant) -> Duration {
        self.takes
            .saturating_sub(now.saturating_duration_since(start))
    }
}

/// The state of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum JobState {
    Queued { left: Duration },
    Pending { left: Duration },
    Fulfilled,
    Failed,
}

impl JobState {
    /// Returns the name that the API uses.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queued { .. } => "QUEUED",
            Self::Pending { .. } => "PENDING",
            Self::Fulfilled => "FULFILLED",
            Self::Failed => "FAILED",
        }
    }

    /// Returns the remaining time, or `None` if the job is over.
    pub(super) fn left(self) -> Option<Duration> {
        match self {
            Self::Queued { left } | Self::Pending { left } => Some(left),
            Self::Fulfilled | Self::Failed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_passes_through_its_states() {
        let start = Instant::now();
        for (fail, end) in [(false, JobState::Fulfilled), (true, JobState::Failed)] {
            let mut jobs = jobs(1, fail);
            let id = jobs.submit(None, start).unwrap();
            let names: Vec<_> = [0, 499, 500, 999, 1000]
                .map(|ms| jobs.state(&id, start + Duration::from_millis(ms)))
                .into_iter()
                .map(|state| state.unwrap().name())
                .collect();
            let expected = ["QUEUED", "QUEUED", "PENDING", "PENDING", end.name()];
            assert_eq!(names, expected);
            assert!(jobs.delete(&id));
            assert!(!jobs.delete(&id));
            assert_eq!(jobs.state(&id, start), None);
        }
    }

    #[test]
    fn excess_job_is_throttled_until_one_is_over() {
        let start = Instant::now();
        let mut jobs = jobs(2, false);
        jobs.submit(None, start).unwrap();
        jobs.submit(None, start + Duration::from_millis(300))
            .unwrap();
        let now = start + Duration::from_millis(400);
        assert_eq!(jobs.submit(None, now), Err(Duration::from_millis(600)));
        assert_eq!(jobs.submitted(), 2);
        jobs.submit(None, start + Duration::from_secs(1)).unwrap();
    }

    #[test]
    fn same_key_makes_one_job() {
        let start = Instant::now();
        let mut jobs = jobs(1, false);
        let id = jobs.submit(Some("key"), start).unwrap();
        assert_eq!(jobs.submit(Some("key"), start), Ok(id));
        assert!(jobs.submit(Some("another"), start).is_err());
        assert_eq!(jobs.submitted(), 1);
    }

    fn jobs(most: u32, fail: bool) -> Jobs {
        Jobs::new(NonZeroU32::new(most).unwrap(), Duration::from_secs(1), fail)
    }
}
