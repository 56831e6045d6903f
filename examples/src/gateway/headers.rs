//! The changes that a proxy makes to the headers that it forwards.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONNECTION, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
        VIA,
    },
};

/// Removes the headers that apply to one connection only.
///
/// By [RFC 9110 section 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1), these are
/// `Connection`, the headers that it names, and the known headers that it should have named.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = options(headers, &CONNECTION)
        .filter_map(|name| name.parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        // If a caller could remove one of these, the upstream would read a different message from
        // the one that was sent.
        if !["content-length", "host"].contains(&name.as_str()) {
            headers.remove(name);
        }
    }
}

/// Returns whether the sender of `headers` accepts trailers.
pub fn wants_trailers(headers: &HeaderMap) -> bool {
    options(headers, &TE).any(|option| option.eq_ignore_ascii_case("trailers"))
}

/// Asks the upstream to send trailers, because the gateway reads them.
pub fn ask_for_trailers(headers: &mut HeaderMap) {
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONNECTION, HeaderValue::from_static("te"));
}

/// Sets chunked encoding, so that a body of unknown length is sent.
///
/// Without this header, hyper's client assumes that a GET or a HEAD has no body.
pub fn send_in_chunks(headers: &mut HeaderMap) {
    headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
}

/// Adds forwarding headers and `Via`, and removes `Host`.
///
/// The forwarding headers have the caller's address, host and protocol. The client of the upstream
/// sets its own `Host`.
pub fn forwarded(headers: &mut HeaderMap, peer: IpAddr, via: &HeaderValue) {
    let mut addresses = Vec::new();
    for value in headers.get_all(&FORWARDED_FOR) {
        addresses.extend_from_slice(value.as_bytes());
        addresses.extend_from_slice(b", ");
    }
    addresses.extend_from_slice(peer.to_string().as_bytes());
    if let Ok(addresses) = HeaderValue::from_bytes(&addresses) {
        // All addresses go into one line, because many servers read only one.
        headers.insert(FORWARDED_FOR, addresses);
    }
    if let Some(host) = headers.remove(HOST) {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    let proto = HeaderValue::from_static("http");
    headers.entry(FORWARDED_PROTO).or_insert(proto);
    headers.append(VIA, via.clone());
}

/// Returns whether a message has already passed the proxy named `via`.
pub fn has_passed(headers: &HeaderMap, via: &HeaderValue) -> bool {
    options(headers, &VIA).any(|hop| hop.as_bytes() == via.as_bytes())
}

/// Iterates over the items of a list header, across all its lines.
fn options<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim)
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// `Trailer` is missing here because it is meant for the final recipient.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_named_by_connection_are_removed() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-One"),
            ("connection", "x-two,, b@d, content-length"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic secret"),
            ("content-length", "7"),
            ("trailer", "x-sum"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        remove_hop_by_hop(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "trailer", "x-three"]);
    }

    #[test]
    fn forwarded_addresses_share_one_line() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, HeaderValue::from_static("10.0.0.1"));
        headers.append(
            FORWARDED_FOR,
            HeaderValue::from_static("10.0.0.2, 10.0.0.3"),
        );
        headers.insert(HOST, HeaderValue::from_static("gateway:8090"));
        let via = HeaderValue::from_static("1.1 here");
        assert!(!has_passed(&headers, &via));
        forwarded(&mut headers, [127, 0, 0, 1].into(), &via);
        assert_eq!(
            headers[FORWARDED_FOR],
            "10.0.0.1, 10.0.0.2, 10.0.0.3, 127.0.0.1"
        );
        assert_eq!(headers.get_all(FORWARDED_FOR).iter().count(), 1);
        assert_eq!(headers[FORWARDED_HOST], "gateway:8090");
        assert!(!headers.contains_key(HOST));
        assert!(has_passed(&headers, &via));
    }
}
