//! Error numbers of WASI preview 1, those that we use.

/// What a host call returns to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

/// The outcome of a host call, before it becomes a number.
pub(crate) type Called = Result<(), Errno>;

impl Errno {
    pub(crate) const BADF: Self = Self(8);
    pub(crate) const FAULT: Self = Self(21);
    pub(crate) const INVAL: Self = Self(28);
    pub(crate) const ISDIR: Self = Self(31);
    pub(crate) const MFILE: Self = Self(33);
    pub(crate) const NAMETOOLONG: Self = Self(37);
    pub(crate) const NOENT: Self = Self(44);
    pub(crate) const NOTDIR: Self = Self(54);
    pub(crate) const NOTSOCK: Self = Self(57);
    pub(crate) const NOTSUP: Self = Self(58);
    pub(crate) const OVERFLOW: Self = Self(61);
    pub(crate) const ROFS: Self = Self(69);
    pub(crate) const SPIPE: Self = Self(70);
    pub(crate) const NOTCAPABLE: Self = Self(76);

    /// 0 for success.
    pub(crate) fn number(called: Called) -> i32 {
        called.map_or_else(|errno| errno.0, |()| 0)
    }
}
