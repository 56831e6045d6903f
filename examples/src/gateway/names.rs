//! Scope names for tokens.

use std::hash::{BuildHasher, Hasher, RandomState};

use http::{HeaderMap, HeaderName, uri::Authority};

/// Names a scope for each token without revealing the token.
#[derive(Clone, Debug)]
pub struct Names {
    upstream: String,
    header: HeaderName,
    /// A random key for each process. It prevents checking a guessed token against a name.
    key: RandomState,
}

impl Names {
    /// Creates names for calls to `upstream` that have their token in `header`.
    #[must_use]
    pub fn new(upstream: &Authority, header: HeaderName) -> Self {
        let upstream = upstream.as_str().to_ascii_lowercase();
        let key = RandomState::new();
        Self {
            upstream,
            header,
            key,
        }
    }

    /// Returns the scope name of a request with these headers.
    pub fn scope(&self, headers: &HeaderMap) -> String {
        let upstream = &self.upstream;
        let mut values = headers.get_all(&self.header).iter().peekable();
        if values.peek().is_none() {
            return format!("{upstream} without a token");
        }
        let mut hasher = self.key.build_hasher();
        for value in values {
            hasher.write_usize(value.len());
            hasher.write(value.as_bytes());
        }
        // With twelve digits, two of a million tokens share a name in one of five hundred runs.
        format!("{upstream} token {:012x}", hasher.finish() >> 16)
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    #[test]
    fn each_token_has_its_own_opaque_name() {
        let upstream = Authority::from_static("API.example.com:8080");
        let names = Names::new(&upstream, AUTHORIZATION);
        let scope = |tokens: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for token in tokens {
                headers.append(AUTHORIZATION, token.parse().unwrap());
            }
            names.scope(&headers)
        };
        assert_eq!(scope(&[]), "api.example.com:8080 without a token");
        assert_eq!(scope(&["Bearer one"]), scope(&["Bearer one"]));
        assert_ne!(scope(&["Bearer one"]), scope(&["Bearer two"]));
        assert_ne!(scope(&["ab", "c"]), scope(&["a", "bc"]));
        assert!(!scope(&["Bearer one"]).contains("one"));
        let another = Names::new(&upstream, AUTHORIZATION);
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, "Bearer one".parse().unwrap());
        assert_ne!(another.scope(&headers), scope(&["Bearer one"]));
    }
}
