//! How bodies are recorded, and what each attempt sends of them.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use breather_tower::{Recording, Repeat as _, Replay, ReplayBody};
use bytes::Bytes;
use http::{Method, Request, Version};
use http_body::Body as _;
use proptest::prelude::*;

use crate::stream::{End, Part, Received, Stream, read, trailers};

/// Returns the body of a call's first attempt, and its spare.
fn first(limit: usize, body: Stream) -> (ReplayBody<Stream>, Option<Request<Recording<Stream>>>) {
    let first = Replay::new(limit).first(Request::new(body));
    let spare = Replay::new(limit).spare(&first);
    (first.into_body(), spare)
}

/// Returns the body of the next attempt and its spare, if there can be one.
fn next(
    spare: Request<Recording<Stream>>,
) -> Option<(ReplayBody<Stream>, Request<Recording<Stream>>)> {
    let replay = Replay::default();
    if !replay.can_repeat(&spare) {
        return None;
    }
    let request = replay.again(spare);
    let spare = replay.spare(&request).expect("the body can be sent again");
    Some((request.into_body(), spare))
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..20).prop_map(|data| Part::Data(data.into())),
        1 => Just(Part::Pending),
    ]
}

prop_compose! {
    fn parts()(
        mut parts in prop::collection::vec(part(), 0..12),
        end in prop::option::of(any::<u32>()),
        error in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) -> Vec<Part> {
        parts.extend(end.map(|value| Part::Trailers(trailers(value))));
        if let Some(at) = error {
            parts.insert(at.index(parts.len() + 1), Part::Error);
        }
        parts
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// This holds however often a body is cut off, and whether or not an earlier attempt still
    /// holds it.
    #[test]
    fn each_attempt_gets_whole_body_or_error(
        parts in parts(),
        limit in prop_oneof![Just(usize::MAX), 0_usize..150],
        knows_length: bool,
        cuts in prop::collection::vec((0_usize..16, any::<bool>()), 0..5),
    ) {
        let stream = || Stream { knows_length, ..Stream::new(parts.clone()) };
        let original = read(&mut stream());
        let known = stream().size_hint();
        let (mut body, mut spare) = first(limit, stream());
        let mut defunct = Vec::new();
        // The most that any attempt received, which is the part that was read of the call's own
        // body.
        let mut most = Received::default();

        for cut in cuts.into_iter().map(Some).chain([None]) {
            let (polls, is_kept) = cut.unwrap_or((usize::MAX, false));
            prop_assert_eq!(body.size_hint().exact(), known.exact());
            // The length may be known more precisely by now.
            prop_assert!(body.size_hint().lower() >= known.lower());
            let mut received = Received::default();
            received.poll(&mut body, polls);

            prop_assert!(original.data.starts_with(&received.data));
            if received.end == End::Clean {
                prop_assert_eq!(&received, &original);
            } else if let Some(exact) = known.exact().filter(|_| received.end == End::Left) {
                let left = exact - received.data.len() as u64;
                prop_assert_eq!(body.size_hint().exact(), Some(left));
                prop_assert_eq!(body.is_end_stream() && left > 0, false);
            }
            if received.data.len() >= most.data.len() {
                most = received.clone();
            }

            let has_failed = matches!(received.end, End::Error(_));
            let is_too_long = most.data.len() > limit
                || (!most.data.is_empty() && known.lower() > limit as u64);
            let Some((again, kept)) = spare.take().and_then(next) else {
                prop_assert!(has_failed || is_too_long, "{received:?}");
                // The attempt in flight continues.
                received.poll(&mut body, usize::MAX);
                prop_assert!(has_failed || received == original);
                return Ok(());
            };
            prop_assert!(!has_failed && !is_too_long);
            if is_kept && received.end == End::Left {
                defunct.push(body);
            }
            (body, spare) = (again, Some(kept));
            for body in &mut defunct {
                prop_assert!(!body.is_end_stream());
                prop_assert!(matches!(read(body).end, End::Error(_)));
            }
        }
    }
}

#[test]
fn body_of_exactly_limit_bytes_is_recorded() {
    for known in [false, true] {
        for (data, is_replayed) in [("12345", true), ("123456", false)] {
            let (head, tail) = data.split_at(3);
            let stream = Stream::of(&[head, tail]);
            let stream = if known { stream.known() } else { stream };
            let (mut body, spare) = first(5, stream);
            assert_eq!(read(&mut body), Received::whole(data.as_bytes()));
            let again = spare.and_then(next);
            assert_eq!(again.is_some(), is_replayed, "{data}, {known}");
            if let Some((mut body, _)) = again {
                assert_eq!(read(&mut body), Received::whole(data.as_bytes()));
            }
        }
    }
}

#[test]
fn unread_long_body_is_sent_again() {
    let (unread, spare) = first(3, Stream::of(&["123", "456"]).known());
    assert_eq!(unread.size_hint().exact(), Some(6));
    let (mut body, spare) = next(spare.unwrap()).unwrap();
    let mut received = Received::default();
    received.poll(&mut body, 1);
    // The recorded three bytes are within the limit, but the whole body is known to exceed it.
    assert_eq!(
        (&received.data[..], next(spare).is_some()),
        (&b"123"[..], false)
    );
    assert_eq!(read(&mut body).data, b"456");
}

#[test]
fn joined_frames_release_source_buffer() {
    /// The buffer that a frame was cut from, such as a connection's.
    struct Origin(Arc<[u8; 1]>);
    impl AsRef<[u8]> for Origin {
        fn as_ref(&self) -> &[u8] {
            &*self.0
        }
    }
    let held = Arc::new(*b"7");
    let frame = |_| Part::Data(Bytes::from_owner(Origin(held.clone())));
    let (mut body, spare) = first(1_000, Stream::new((0..1_000).map(frame)));
    assert_eq!(read(&mut body), Received::whole(&[b'7'; 1_000]));
    let (mut again, _spare) = next(spare.unwrap()).unwrap();
    assert_eq!(Arc::strong_count(&held), 1);
    let mut received = Received::default();
    received.poll(&mut again, 1);
    assert_eq!(received.data.len(), 1_000);
}

#[test]
fn empty_body_stays_empty() {
    let (mut body, spare) = first(0, Stream::of(&[]).known());
    assert!(body.is_end_stream());
    assert_eq!(read(&mut body), Received::whole(b""));
    let (mut body, spare) = next(spare.unwrap()).unwrap();
    assert!(body.is_end_stream() && body.size_hint().exact() == Some(0));
    assert_eq!(read(&mut body), Received::whole(b""));
    assert!(next(spare).is_some());
}

#[test]
fn frames_after_trailers_are_not_recorded() {
    let parts = [
        Part::Data("row".into()),
        Part::Trailers(trailers(1)),
        Part::Trailers(trailers(2)),
    ];
    let (mut body, spare) = first(99, Stream::new(parts));
    let mut received = Received::default();
    received.poll(&mut body, 2);
    let (mut again, spare) = next(spare.unwrap()).unwrap();
    assert_eq!(read(&mut again).trailers, Some(trailers(2)));
    assert!(next(spare).is_none());
}

#[test]
fn held_recording_blocks_reads() {
    struct Counter;
    impl Wake for Counter {
        fn wake(self: Arc<Self>) {}
    }
    let woken = Arc::new(Counter);
    let waker = Waker::from(Arc::clone(&woken));
    let poll = |body: &mut ReplayBody<Stream>| {
        std::pin::Pin::new(body).poll_frame(&mut Context::from_waker(&waker))
    };
    for goes_on in [true, false] {
        let (mut body, spare) = first(3, Stream::of(&["123", "456"]));
        let spare = spare.unwrap();
        assert!(poll(&mut body).is_ready());
        assert!(Replay::default().can_repeat(&spare));
        assert!(poll(&mut body).is_pending());
        // The attempt's task must be woken, whatever was decided.
        assert_eq!(Arc::strong_count(&woken), 3);
        if goes_on {
            drop(spare);
            assert_eq!(read(&mut body), Received::whole(b"456"));
        } else {
            let mut again = Replay::default().again(spare).into_body();
            assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))));
            assert_eq!(read(&mut again), Received::whole(b"123456"));
        }
        assert_eq!(Arc::strong_count(&woken), 2);
    }
}

#[test]
fn taken_over_body_wakes_waiting_attempt() {
    struct Flag(std::sync::atomic::AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let flag = Arc::new(Flag(false.into()));
    /// A body that is never ready.
    struct Stalled;
    impl http_body::Body for Stalled {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            Poll::Pending
        }
    }
    let replay = Replay::default();
    let first = replay.first(Request::new(Stalled));
    let spare = replay.spare(&first).unwrap();
    let waker = Waker::from(Arc::clone(&flag));
    let mut body = first.into_body();
    let mut poll = || std::pin::Pin::new(&mut body).poll_frame(&mut Context::from_waker(&waker));
    assert!(poll().is_pending());
    assert!(replay.can_repeat(&spare));
    let _again = replay.again(spare);
    assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
    assert!(matches!(poll(), Poll::Ready(Some(Err(_)))));
}

#[test]
fn into_body_without_hold_yields_error() {
    let (mut body, spare) = first(3, Stream::of(&["123", "456", "789"]));
    let mut received = Received::default();
    received.poll(&mut body, 2);
    let mut again = Replay::default().again(spare.unwrap()).into_body();
    assert!(
        matches!(read(&mut again), Received { data, end: End::Error(_), .. } if data.is_empty())
    );
    assert!(!again.is_end_stream() && again.size_hint().upper().is_none());
    assert_eq!(
        read(&mut body),
        Received::whole(b"789"),
        "the first attempt continues"
    );
}

#[test]
fn panicking_body_is_not_sent_again() {
    struct Broken;
    impl http_body::Body for Broken {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            panic!("panic in a request body")
        }
    }
    let replay = Replay::default();
    let first = replay.first(Request::new(Broken));
    let spare = replay.spare(&first).unwrap();
    let doomed = std::thread::spawn(move || {
        let mut body = first.into_body();
        let _ = std::pin::Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
    });
    assert!(doomed.join().is_err());
    assert!(!replay.can_repeat(&spare));
}

#[test]
fn request_head_is_sent_again_unchanged() {
    let replay = Replay::default();
    let request = Request::builder()
        .method(Method::PATCH)
        .uri("http://api.example.com/rows")
        .version(Version::HTTP_10)
        .header("etag", "7")
        .extension(7_u32);
    let first = replay.first(request.body(Stream::of(&["row"])).unwrap());
    let spare = replay.spare(&first).unwrap();
    let (first, _) = first.into_parts();
    let (again, _) = replay.again(spare).into_parts();
    assert_eq!((&again.method, &again.uri), (&first.method, &first.uri));
    assert_eq!(
        (&again.version, &again.headers),
        (&first.version, &first.headers)
    );
    assert_eq!(again.extensions.get(), Some(&7_u32));
}

/// One thread reads the old attempt's body, and another begins the next attempt.
#[test]
fn attempts_on_two_threads_never_share_body() {
    let whole: Vec<u8> = (0..=255).collect();
    for limit in [16, 128, 1024] {
        for round in 0..200 {
            let parts = whole
                .chunks(1)
                .map(|byte| Part::Data(Bytes::copy_from_slice(byte)));
            let (mut body, spare) = first(limit, Stream::new(parts));
            let old = std::thread::spawn(move || read(&mut body));
            for _ in 0..round {
                std::hint::spin_loop();
            }
            let again = spare.and_then(next);
            let received = again.map(|(mut body, _)| read(&mut body));
            let old = old.join().unwrap();
            assert!(whole.starts_with(&old.data));
            match received {
                Some(received) => assert_eq!(received, Received::whole(&whole)),
                // The old attempt had sent more than the limit, so it continued to its end.
                None => assert_eq!(old, Received::whole(&whole)),
            }
            assert!(old.end != End::Clean || old.data == whole);
        }
    }
}
