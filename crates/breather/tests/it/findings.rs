//! Inputs that the fuzz targets found, each with what failed.

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

/// Found by `fields`: the window was not read, since a figure with a sign was taken for a negative one.
#[test]
fn a_negative_zero_is_a_zero() {
    let hint = read(&[("ratelimit", r#""default";r=50;t=-0"#)]);
    let window = hint.windows().next().unwrap();
    assert_eq!(window.remaining(), Some(50));
    assert_eq!(window.reset(), Some(Duration::ZERO));
    // What is negative still says nothing.
    let hint = read(&[("ratelimit", r#""default";r=50;t=-1"#)]);
    assert_eq!(hint.windows().count(), 0);
}

/// Found while `fields` was written: `\"` was taken for an escaped quote, and the spent window behind it overlooked.
#[test]
fn a_display_string_may_end_with_a_backslash() {
    let hint = read(&[("ratelimit", r#""a";r=5;x=%"\", "b";r=0;t=7"#)]);
    let names: Vec<_> = hint.windows().map(|window| window.name()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(hint.not_before(), Some(AT + Duration::from_secs(7)));
    // In a string, it escapes, also where the one before ends with a percent sign.
    let hint = read(&[("ratelimit", r#""50%";r=5, "a\", b";r=0;t=7"#)]);
    let names: Vec<_> = hint.windows().map(|window| window.name()).collect();
    assert_eq!(names, ["50%", r#"a\", b"#]);
}

/// Found by `reader`: the wait was that of `RateLimit`, and the hint said that this header was ignored.
#[test]
fn a_limit_of_nothing_takes_back_no_window_of_another_name() {
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

/// Found by `reader`: a line of `RateLimit` that is malformed took back the one that is not.
#[test]
fn a_limit_of_nothing_takes_back_no_other_line() {
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

/// Found by `fields`: a member that was no number counted although another of its key followed.
#[test]
fn of_a_member_that_is_there_twice_the_last_counts_whatever_the_first_was() {
    let hint = read(&[("ratelimit", "remaining=0.5, remaining=0, reset=3")]);
    assert_eq!(hint.not_before(), Some(AT + Duration::from_secs(3)));
    let hint = read(&[("ratelimit", "remaining=0, remaining=0.5, reset=3")]);
    assert_eq!(hint.windows().count(), 0);
}

/// Found by `fields`: a member without a value, which is `true`, was overlooked, and the others obeyed.
#[test]
fn a_member_without_a_value_is_no_number() {
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

/// Found by `moments`: of a limit of 0, which says nothing, what is used of it was kept.
#[test]
fn of_a_limit_of_nothing_nothing_is_kept() {
    let hint = read(&[("x-shopify-shop-api-call-limit", "0/0")]);
    assert_eq!(hint.windows().count(), 0);
    assert_eq!(hint.readings().count(), 0);
    assert_eq!(
        hint.ignored().next().unwrap().why(),
        IgnoreReason::Ambiguous
    );
}

/// Found by `fields`. A parameter `window` that was no number hid the length in `w`.
#[test]
fn length_of_a_policy_stands_in_w_whatever_window_says() {
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
