//! Tests for options that the gateway rejects.

use std::net::TcpListener;

use crate::program::refused;

#[test]
fn invalid_option_is_named_in_error() {
    let upstream = ["--upstream", "http://127.0.0.1:1"];
    for (args, words) in [
        (&[][..], &["--upstream"][..]),
        (
            &["--upstream", "api.example.com"],
            &["--upstream api.example.com", "https://api.example.com"],
        ),
        (
            &["--upstream", "ftp://api.example.com/"],
            &["http nor https"],
        ),
        (&["--upstream", "http://api.example.com/?a=b"], &["query"]),
        (&["--upstream", "http:// /"], &["is no URL"]),
        (&["--upstream", ""], &["--upstream"]),
        (
            &[&upstream[..], &["--listen", "localhost"]].concat(),
            &["--listen"],
        ),
        (
            &[&upstream[..], &["--deadline", "90"]].concat(),
            &["--deadline", "90s"],
        ),
        (
            &[&upstream[..], &["--deadline", "0s"]].concat(),
            &["--deadline"],
        ),
        (
            &[&upstream[..], &["--attempt-timeout=-1s"]].concat(),
            &["--attempt-timeout"],
        ),
        (&[&upstream[..], &["--queue", "-1"]].concat(), &["--queue"]),
        (
            &[&upstream[..], &["--replay-limit", "1e9"]].concat(),
            &["--replay-limit"],
        ),
        (
            &[&upstream[..], &["--token-header", "a b"]].concat(),
            &["--token-header"],
        ),
        (
            &[&upstream[..], &["--policy", "/nowhere/policy.toml"]].concat(),
            &["/nowhere/policy.toml"],
        ),
        (&[&upstream[..], &["--nonsense"]].concat(), &["--nonsense"]),
    ] {
        let output = refused(args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{args:?}: {stderr}");
        for word in words {
            assert!(stderr.contains(word), "{args:?}: {stderr}");
        }
    }
}

#[test]
fn secret_in_url_is_not_printed() {
    let output = refused(&["--upstream", "https://user:secret@api.example.com"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("Authorization") && !stderr.contains("secret"),
        "{stderr}"
    );
}

#[test]
fn unknown_policy_field_is_named() {
    let file = std::env::temp_dir().join(format!("gateway-typo-{}.toml", std::process::id()));
    std::fs::write(&file, "retrys = 5\n").unwrap();
    let name = file.to_str().unwrap();
    let output = refused(&["--upstream", "http://127.0.0.1:1", "--policy", name]);
    std::fs::remove_file(&file).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("retrys") && stderr.contains(name),
        "{stderr}"
    );
}

#[test]
fn port_in_use_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let output = refused(&["--upstream", "http://127.0.0.1:1", "--listen", &addr]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains(&format!("cannot listen on {addr}")),
        "{stderr}"
    );
}
