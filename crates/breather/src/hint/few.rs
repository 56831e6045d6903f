//! A short list without memory of its own.

/// A list of at most `FEW` and `MORE`. Mostly there are few, and then no more is written, and little has to be moved.
///
/// The order of the fields matters. With the length before them and no field behind, the few are moved by themselves,
/// and not by way of the stack together with unwritten places.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Few<T, const FEW: usize, const MORE: usize> {
    more: Option<[Option<T>; MORE]>,
    len: usize,
    few: [Option<T>; FEW],
}

impl<T: Copy, const FEW: usize, const MORE: usize> Few<T, FEW, MORE> {
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            few: core::array::from_fn(|_| None),
            more: None,
            len: 0,
        }
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        match self.few.get(at) {
            Some(slot) => slot.as_ref(),
            None => self.more.as_ref()?.get(at - FEW)?.as_ref(),
        }
    }

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        (0..self.len).filter_map(|at| self.get(at))
    }

    /// Adds it, if there is room, and answers where it stands.
    #[inline]
    pub(super) fn push(&mut self, it: T) -> Option<&mut T> {
        let at = self.len;
        let slot = match self.few.get_mut(at) {
            Some(slot) => slot,
            None => slot_of_more(&mut self.more, at - FEW)?,
        };
        self.len += 1;
        Some(slot.insert(it))
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        match self.few.get_mut(at) {
            Some(slot) => slot.as_mut(),
            None => self.more.as_mut()?.get_mut(at - FEW)?.as_mut(),
        }
    }

    /// Leaves out those that `keeps` does not keep, by their order.
    pub(super) fn retain(&mut self, keeps: impl Fn(usize, &T) -> bool) {
        let all = *self;
        *self = Self::new();
        for (at, it) in all.iter().enumerate() {
            if keeps(at, it) {
                let _ = self.push(*it);
            }
        }
    }
}

/// What only the header reader needs.
#[cfg(feature = "std")]
impl<T: Copy, const FEW: usize, const MORE: usize> Few<T, FEW, MORE> {
    /// Puts them in the order of their keys, and those of one key in the order that they have.
    pub(super) fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K) {
        for end in 1..self.len {
            for at in (1..=end).rev() {
                let (Some(before), Some(it)) = (self.get(at - 1), self.get(at)) else {
                    break;
                };
                if key(before) <= key(it) {
                    break;
                }
                let (before, it) = (*before, *it);
                for (at, it) in [(at - 1, it), (at, before)] {
                    if let Some(slot) = self.get_mut(at) {
                        *slot = it;
                    }
                }
            }
        }
    }

    /// Whether there is room where the few are.
    #[inline]
    pub(super) const fn has_room_for_few(&self) -> bool {
        self.len < FEW
    }

    /// Whether there are no more than a few.
    #[inline]
    pub(super) const fn is_few(&self) -> bool {
        self.more.is_none()
    }

    /// The few that come first.
    #[inline]
    pub(super) fn few(&self) -> impl Iterator<Item = &T> {
        self.few.iter().map_while(Option::as_ref)
    }

    /// The few that come first alone, which is less to be moved.
    #[inline]
    pub(super) const fn without_more(&self) -> Self {
        Self {
            few: self.few,
            more: None,
            len: if self.len < FEW { self.len } else { FEW },
        }
    }
}

#[cold]
fn slot_of_more<T: Copy, const MORE: usize>(
    more: &mut Option<[Option<T>; MORE]>,
    at: usize,
) -> Option<&mut Option<T>> {
    more.get_or_insert_with(|| [None; MORE]).get_mut(at)
}
