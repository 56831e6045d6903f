//! What became of the headers that were found.

use super::reading::{IgnoreReason, Note};
use super::sizes::MAX_NOTES;

/// A header, its value, and its reading or the reason why it has no effect.
pub(super) type Noted<'a> = (&'a str, &'a [u8], Result<Note, IgnoreReason>);

/// What became of each header that was found, in the order in which they were read.
pub(super) struct Notes<'a> {
    /// One for each header that is kept, and one for those that were left out.
    noted: [Option<Noted<'a>>; MAX_NOTES + 1],
    len: usize,
}

impl<'a> Notes<'a> {
    pub(super) const fn new() -> Self {
        Self {
            noted: [None; MAX_NOTES + 1],
            len: 0,
        }
    }

    pub(super) fn push(
        &mut self,
        header: &'a str,
        value: &'a [u8],
        result: Result<Note, IgnoreReason>,
    ) {
        if let Some(slot) = self.noted.get_mut(self.len) {
            *slot = Some((header, value, result));
            self.len += 1;
        }
    }

    /// Notes that the reading of a header with that value has no effect after all.
    pub(super) fn take_back(&mut self, header: &str, value: &[u8], why: IgnoreReason) {
        for (name, other, result) in self.noted.iter_mut().flatten() {
            if name.eq_ignore_ascii_case(header) && *other == value && result.is_ok() {
                *result = Err(why);
            }
        }
    }

    /// Notes that some of a header's value has no effect after all.
    pub(super) fn take_back_part(&mut self, header: &str, value: &[u8]) {
        for (name, other, result) in self.noted.iter_mut().flatten() {
            if let (Ok(note), true) = (result, name.eq_ignore_ascii_case(header) && *other == value)
            {
                note.is_partial = true;
            }
        }
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Noted<'a>> {
        self.noted.into_iter().flatten()
    }
}
