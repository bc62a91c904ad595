//! What a look found of an agent's files.

/// A file that was changed, and its copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// Below the root.
    pub(super) path: Vec<u8>,
    /// As git writes it.
    pub(super) mode: u32,
    /// Has it line ends that git might write otherwise?
    pub(super) has_crlf: bool,
}

/// A name that the index does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct New {
    /// Below the root.
    pub(super) path: Vec<u8>,
    /// Is it a directory?
    pub(super) is_dir: bool,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Changed and read: the copy of the n-th is the file `n` in the place for copies.
    pub(super) copied: Vec<Copied>,
    /// Not there any more.
    pub(super) removed: Vec<Vec<u8>>,
    /// Changed, but too large, or changing while it was read.
    pub(super) unread: Vec<Vec<u8>>,
    /// Is there any `.gitattributes`?
    pub(super) attributes: bool,
}

impl Changes {
    /// Was nothing changed at all?
    pub(super) fn is_none(&self) -> bool {
        self.copied.is_empty() && self.removed.is_empty() && self.unread.is_empty()
    }

    /// Would git take the file in byte by byte? Where there are attributes, they may have it write other line ends.
    pub(super) fn is_as_git_writes(&self, copied: &Copied) -> bool {
        !(self.attributes && copied.has_crlf)
    }

    /// Changed files of whose content nothing is known.
    pub(super) fn unread(&self) -> impl Iterator<Item = &[u8]> {
        let odd = self
            .copied
            .iter()
            .filter(|copied| !self.is_as_git_writes(copied));
        self.unread
            .iter()
            .chain(odd.map(|copied| &copied.path))
            .map(Vec::as_slice)
    }
}
