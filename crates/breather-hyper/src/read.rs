//! What was read of a body.

use std::mem;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What was read. Frames are joined as they come: whoever sends them may have a byte in each, and a list
/// of them would take many times their data.
#[derive(Debug)]
pub(crate) enum Read {
    // As most answers come: handed on without a copy.
    AtOnce(Bytes),
    Joined(BytesMut),
}

impl Read {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::AtOnce(data) => data.len(),
            Self::Joined(data) => data.len(),
        }
    }

    pub(crate) fn push(&mut self, mut data: impl Buf) {
        let len = data.remaining();
        match self {
            Self::AtOnce(first) if first.is_empty() => *first = data.copy_to_bytes(len),
            Self::AtOnce(first) => {
                let mut joined = BytesMut::with_capacity(first.len() + len);
                joined.extend_from_slice(first);
                *self = Self::Joined(joined);
                self.push(data);
            }
            Self::Joined(joined) => joined.put(data),
        }
    }

    /// All of it, which stays here too.
    pub(crate) fn share(&mut self) -> Bytes {
        let data = self.take();
        *self = Self::AtOnce(data.clone());
        data
    }

    pub(crate) fn take(&mut self) -> Bytes {
        match mem::take(self) {
            Self::AtOnce(data) => data,
            Self::Joined(data) => data.freeze(),
        }
    }
}

impl Default for Read {
    fn default() -> Self {
        Self::AtOnce(Bytes::new())
    }
}
