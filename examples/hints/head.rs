//! Reads the heads of printed responses.

use std::io::BufRead;

use anyhow::{Context, bail, ensure};

/// The header lines of a response, and its status if known.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// Adds a header line, or sets the status from a status line.
    pub(crate) fn read_line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        match status_of(line) {
            Some(status) => self.status = Some(status),
            None => self.headers.push(header(line)?),
        }
        Ok(())
    }
}

/// Reads the heads of all responses.
///
/// Each head begins with a status line and ends with an empty line. The first head may lack the
/// status line. Lines between a head and the next status line are a body and are skipped.
pub(crate) fn read_all(input: impl BufRead) -> anyhow::Result<Vec<Head>> {
    let mut heads: Vec<Head> = Vec::new();
    let mut is_body = false;
    for (number, line) in input.take(MOST_BYTES).split(b'\n').enumerate() {
        let line = line.context("standard input")?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if let Some(status) = status_of(line) {
            heads.push(Head {
                status: Some(status),
                headers: Vec::new(),
            });
            is_body = false;
        } else if line.is_empty() {
            is_body = !heads.is_empty();
        } else if !is_body {
            let header = header(line).with_context(|| format!("line {}", number + 1))?;
            if heads.is_empty() {
                heads.push(Head::default());
            }
            if let Some(head) = heads.last_mut() {
                head.headers.push(header);
            }
        }
    }
    ensure!(!heads.is_empty(), "there is no header on standard input");
    Ok(heads)
}

/// Returns the status of a line such as `HTTP/1.1 429 Too Many Requests`.
fn status_of(line: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/")?;
    let (version, rest) = line.split_once(' ')?;
    let is_version = !version.is_empty()
        && version
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    let status = rest.split(' ').next().filter(|status| status.len() == 3)?;
    status.parse().ok().filter(|_| is_version)
}

fn header(line: &[u8]) -> anyhow::Result<(String, Vec<u8>)> {
    let colon = line.iter().position(|&byte| byte == b':');
    let Some(colon) = colon else {
        bail!("expected `name: value`, not `{}`", shown(line));
    };
    named(&line[..colon], &line[colon + 1..])
}

/// Returns a header, if its name is valid.
pub(crate) fn named(name: &[u8], value: &[u8]) -> anyhow::Result<(String, Vec<u8>)> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let token = Some(name).filter(|name| !name.is_empty() && name.iter().all(is_token));
    let token = token.and_then(|name| std::str::from_utf8(name).ok());
    let Some(token) = token else {
        bail!("`{}` cannot be a header's name", shown(name));
    };
    Ok((token.to_owned(), value.trim_ascii().to_vec()))
}

/// Shortens invalid input for an error message.
fn shown(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(64)];
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    format!("{}{more}", shown.escape_ascii())
}

/// The most input to read, more than any head and most bodies need.
const MOST_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_output_is_read() {
        let printed = b"HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\nHTTP/2 429 \r\nRetry-After:7\r\nx:\r\n\r\n{\"a\": 1}\n";
        let heads = read_all(&printed[..]).unwrap();
        let statuses: Vec<_> = heads.iter().map(|head| head.status).collect();
        assert_eq!(statuses, [Some(302), Some(429)]);
        let headers = &heads[1].headers;
        assert_eq!(headers[0], ("Retry-After".to_owned(), b"7".to_vec()));
        assert_eq!(headers[1], ("x".to_owned(), Vec::new()));
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn headers_need_no_status_line() {
        let heads = read_all(&b"a: b: c\nd:e"[..]).unwrap();
        assert_eq!(heads[0].status, None);
        assert_eq!(heads[0].headers[0].1, b"b: c");
        assert_eq!(heads[0].headers[1].1, b"e");
    }

    #[test]
    fn invalid_header_error_names_the_line() {
        for (printed, said) in [
            ("", "no header"),
            ("\n\n", "no header"),
            ("a: b\nnonsense", "line 2"),
            (": b", "line 1"),
            ("a b: c", "line 1"),
        ] {
            let error = read_all(printed.as_bytes()).unwrap_err();
            assert!(
                format!("{error:#}").contains(said),
                "{printed:?}: {error:#}"
            );
        }
    }
}
