//! The common case of three numbers of one window, and a delay.

use core::time::Duration;

use super::family::Part;
use super::found::{Found, Subject};
use super::number;
use super::reading::TimeFormat;
use super::said::Said;
use super::time::FARTHEST_GUESS;
use super::window::Window;

/// Combines headers that are short numbers and need not be weighed against each other.
///
/// It is what [`Assembly`](super::assembly::Assembly) would make of them, at less cost.
#[inline]
pub(super) fn plain<'a>(found: &Found<'a>) -> Option<Said<'a>> {
    let mut delay = None;
    let mut window: Option<Subject<'_>> = None;
    let (mut limit, mut remaining, mut reset) = (None, None, None);
    for entry in found.few()? {
        let number = number::short(entry.value)?;
        match entry.part() {
            Part::Delay(TimeFormat::Any) => {
                once(&mut delay, entry.stated(Duration::from_secs(number)))?;
                continue;
            }
            Part::Limit if number > 0 => once(&mut limit, number)?,
            Part::Remaining => once(&mut remaining, number)?,
            Part::Reset(TimeFormat::Any) if number <= FARTHEST_GUESS.as_secs() => {
                once(&mut reset, entry.stated(Duration::from_secs(number)))?;
            }
            _ => return None,
        }
        if !window.is_none_or(|window| entry.is_of(&window)) {
            return None;
        }
        window = Some(entry.window);
    }
    let mut said = Said::new();
    said.delay = delay;
    if let Some(subject) = window {
        let window = Window {
            limit,
            remaining: Some(remaining?),
            reset,
            ..Window::of(&subject)
        };
        said.windows.push(window);
    }
    Some(said)
}

fn once<T>(slot: &mut Option<T>, it: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(it))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::hint::common::{FAMILIES, find};
    use crate::hint::family::HeaderFamily;
    use crate::hint::time::Now;

    /// Of each family, with what states a delay, all that three lines can say.
    #[test]
    fn it_is_what_would_be_made_of_them() {
        let lines = |family: &HeaderFamily| -> Vec<_> {
            let delays = FAMILIES[0].headers().skip(6);
            let rows = delays.chain(family.headers()).filter_map(|header| {
                let name = header.name.as_bytes();
                find(name)
            });
            let values = [&b"0"[..], b"7", b"3024001", b"00000041", b"123456789"];
            rows.flat_map(|row| values.map(|value| (row, value)))
                .collect()
        };
        let mut plain_ones = 0;
        for family in &FAMILIES {
            let lines = lines(family);
            for one in &lines {
                for other in &lines {
                    for third in lines.iter().step_by(3) {
                        let mut found = Found::new();
                        for (row, value) in [one, other, third] {
                            found.push(row, value);
                        }
                        plain_ones += u32::from(is_the_same(found));
                    }
                }
            }
        }
        assert!(plain_ones > 1_000);
    }

    /// Whether it is plain, and then it has to be the same.
    fn is_the_same(mut found: Found<'_>) -> bool {
        let Some(plain) = plain(&found) else {
            return false;
        };
        let mut said = Said::new();
        found.tell(&Now::again(None), &mut said);
        assert_eq!(plain.delay, said.delay);
        assert_eq!(plain.retry, said.retry);
        assert!(plain.windows.iter().eq(said.windows.iter()), "{found:?}");
        true
    }
}
