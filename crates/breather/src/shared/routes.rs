//! Options for the requests of a route.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::shared::options::CallOptions;
use crate::shared::sync::RwLock;

/// A small table of routes. A route is a host with a path prefix.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Whether there are routes. Most handles have none, so requests can skip the table.
    any: AtomicBool,
    /// Sorted by the length of the path, with the longest first.
    table: RwLock<Vec<Route>>,
}

#[derive(Debug)]
struct Route {
    authority: Box<str>,
    path: Box<str>,
    options: CallOptions,
}

impl Routes {
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Adds `route`, or replaces its options.
    pub(crate) fn insert(&self, route: &str, options: CallOptions) {
        let route = route.split_once("://").map_or(route, |(_, rest)| rest);
        let (authority, path) = match route.find('/') {
            Some(slash) => route.split_at(slash),
            None => (route, ""),
        };
        let authority = authority.to_ascii_lowercase();
        let path = path.trim_end_matches('/');
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.retain(|known| (&*known.authority, &*known.path) != (&*authority, path));
        let at = table.partition_point(|known| known.path.len() >= path.len());
        let route = Route {
            authority: authority.into(),
            path: path.into(),
            options,
        };
        table.insert(at, route);
        self.any.store(true, Ordering::Release);
    }

    /// Returns the options for a request to `path` at `origin`. The scheme is ignored.
    ///
    /// Longer routes win. Shorter routes add the settings that longer ones don't set.
    pub(crate) fn options(&self, origin: &str, path: &str) -> Option<CallOptions> {
        let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table
            .iter()
            .filter(|route| *route.authority == *authority && route.leads(path))
            .map(|route| route.options.clone())
            .reduce(CallOptions::or)
    }
}

impl Route {
    /// Returns whether `path` equals the route's path or is below it.
    fn leads(&self, path: &str) -> bool {
        path.strip_prefix(&*self.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::Policy;

    fn deadline(routes: &Routes, authority: &str, path: &str) -> Option<u64> {
        let options = routes.options(authority, path)?;
        let policy = options.policy_over(&Policy::new())?;
        policy.deadline().map(|deadline| deadline.as_secs())
    }

    #[test]
    fn longest_route_wins_on_whole_segments() {
        let of = |seconds| CallOptions::new().with_deadline(Duration::from_secs(seconds));
        let routes = Routes::default();
        assert!(routes.is_empty());
        routes.insert("api.example.com/v1/search", of(3));
        routes.insert("api.example.com", of(1));
        routes.insert("https://API.example.com/v1/", of(2));
        for (path, expected) in [
            ("/v1/search", Some(3)),
            ("/v1/search/rows", Some(3)),
            ("/v1/searches", Some(2)),
            ("/v1", Some(2)),
            ("/v12", Some(1)),
            ("/", Some(1)),
            ("", Some(1)),
        ] {
            assert_eq!(
                deadline(&routes, "api.example.com", path),
                expected,
                "{path}"
            );
        }
        assert_eq!(deadline(&routes, "https://api.example.com", "/v1"), Some(2));
        assert_eq!(deadline(&routes, "other.example.com", "/v1"), None);
        assert_eq!(deadline(&routes, "api.example.com:8080", "/v1"), None);
        routes.insert("api.example.com/v1", of(9));
        assert_eq!(deadline(&routes, "api.example.com", "/v1"), Some(9));
    }

    #[test]
    fn shorter_route_adds_unset_options() {
        let routes = Routes::default();
        routes.insert(
            "host",
            CallOptions::new().with_deadline(Duration::from_secs(1)),
        );
        routes.insert("host/search", CallOptions::new().with_idempotent(true));
        let options = routes.options("host", "/search").unwrap();
        assert_eq!(options.is_idempotent(), Some(true));
        assert_eq!(deadline(&routes, "host", "/search"), Some(1));
    }
}
