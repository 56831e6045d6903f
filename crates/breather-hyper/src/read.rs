//! Collects the data that was read from a body.

use std::mem;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The data that was read from a body.
///
/// Frames are joined as they arrive. A peer can send a single byte in each frame, and a list of
/// such frames would take many times the memory of their data.
#[derive(Debug)]
pub(crate) enum Read {
    // Most bodies are a single frame, which is not copied.
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

    /// Returns all data and keeps it.
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
