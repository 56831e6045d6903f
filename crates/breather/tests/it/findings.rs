//! Regression tests for inputs that the fuzz targets found.

use std::time::Duration;

use breather::{
    Hint,
    driver::{Instant, Moment},
    hint::IgnoreReason,
};

const AT: Instant = Instant::from_nanos(5_000_000_000);

fn read<'a>(lines: &[(&'a str, &'a str)]) -> Hint<'a> {
    let lines = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    Hint::read(lines, Moment::new(AT))
}

/// Found by `fields`. The window was not read, because `-0` was read as a negative number.
#[test]
fn negative_zero_is_zero() {
    let hint = read(&[("ratelimit", r#""default";r=50;t=-0"#)]);
    let window = hint.windows().next().unwrap();
    assert_eq!(window.remaining(), Some(50));
    assert_eq!(window.reset(), Some(Duration::ZERO));
    // A negative number is still ignored.
    let hint = read(&[("ratelimit", r#""default";r=50;t=-1"#)]);
    assert_eq!(hint.windows().count(), 0);
}

/// Found while `fields` was written. `\"` was read as an escaped quote, which hid the spent window
/// after it.
#[test]
fn display_string_may_end_with_backslash() {
    let hint = read(&[("ratelimit", r#""a";r=5;x=%"\", "b";r=0;t=7"#)]);
    let names: Vec<_> = hint.windows().map(|window| window.name()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(hint.not_before(), Some(AT + Duration::from_secs(7)));
    // In a string, a backslash escapes, even if the previous string ends with a percent sign.
    let hint = read(&[("ratelimit", r#""50%";r=5, "a\", b";r=0;t=7"#)]);
    let names: Vec<_> = hint.windows().map(|window| window.name()).collect();
    assert_eq!(names, ["50%", r#"a\", b"#]);
}

/// Found by `reader`. The wait came from `RateLimit`, but the hint said that this header was
/// ignored.
#[test]
fn zero_limit_revokes_no_other_window() {
    let hint = read(&[
        ("ratelimit", r#""burst";r=0;t=3"#),
        ("ratelimit-limit", "0"),
        ("ratelimit-remaining", "0"),
    ]);
    assert_eq!(hint.not_before(), Some(AT + Duration::from_secs(3)));
    let read: Vec<_> = hint.readings().map(|reading| reading.header()).collect();
    assert!(read.contains(&hint.evidence().unwrap().header()));
    let ignored: Vec<_> = hint.ignored().map(|it| (it.header(), it.why())).collect();
    let ambiguous = ["ratelimit-limit", "ratelimit-remaining"];
    assert_eq!(
        ignored,
        ambiguous.map(|header| (header, IgnoreReason::Ambiguous))
    );
}

/// Found by `reader`. A malformed `RateLimit` line revoked a valid one.
#[test]
fn zero_limit_and_malformed_line_revoke_no_valid_line() {
    let hint = read(&[
        ("ratelimit-limit", "0"),
        ("ratelimit", "\\"),
        ("ratelimit", r#""";r=0;t=3"#),
    ]);
    assert_eq!(hint.not_before(), Some(AT + Duration::from_secs(3)));
    let read: Vec<_> = hint.readings().map(|reading| reading.header()).collect();
    assert_eq!(read, ["ratelimit"]);
    let ignored: Vec<_> = hint.ignored().map(|it| it.value()).collect();
    assert_eq!(ignored, [&b"0"[..], br"\"]);
}

/// Found by `fields`. A member that was not a number counted although another with its key
/// followed.
#[test]
fn last_of_repeated_members_counts() {
    let hint = read(&[("ratelimit", "remaining=0.5, remaining=0, reset=3")]);
    assert_eq!(hint.not_before(), Some(AT + Duration::from_secs(3)));
    let hint = read(&[("ratelimit", "remaining=0, remaining=0.5, reset=3")]);
    assert_eq!(hint.windows().count(), 0);
}

/// Found by `fields`. A member without a value means `true`. It was skipped, and the others were
/// obeyed.
#[test]
fn member_without_value_is_not_a_number() {
    for members in [
        "remaining",
        "remaining;x",
        "remaining;x=1",
        "remaining=0, remaining",
    ] {
        let sent = format!("limit=10, {members}, reset=3");
        let hint = read(&[("ratelimit", &sent)]);
        assert_eq!(hint.windows().count(), 0, "{sent}");
        assert_eq!(
            hint.ignored().next().unwrap().why(),
            IgnoreReason::Unreadable,
            "{sent}"
        );
    }
}

/// Found by `moments`. A limit of 0 is ambiguous, but its used count was kept.
#[test]
fn zero_limit_is_ignored_with_its_used_count() {
    let hint = read(&[("x-shopify-shop-api-call-limit", "0/0")]);
    assert_eq!(hint.windows().count(), 0);
    assert_eq!(hint.readings().count(), 0);
    assert_eq!(
        hint.ignored().next().unwrap().why(),
        IgnoreReason::Ambiguous
    );
}

/// Found by `fields`. A parameter `window` that was not a number hid the length in `w`.
#[test]
fn parameter_w_wins_over_window() {
    for (length, expected) in [
        ("w=8;window=day", Some(8)),
        ("window=day;w=8", Some(8)),
        ("w=8;window=9", Some(8)),
        ("window=9", Some(9)),
        ("window=7;window=9", Some(9)),
    ] {
        let sent = format!("\"burst\";q=10;{length}");
        let hint = read(&[("ratelimit-policy", &sent)]);
        let window = hint.windows().next().unwrap();
        assert_eq!(window.length(), expected.map(Duration::from_secs), "{sent}");
    }
}
