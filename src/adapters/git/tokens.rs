//! What git writes with `-z`: fields that end in NUL, read with bounded memory however long one is.

use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Fields, one after another.
pub(super) struct Tokens<R> {
    from: R,
    most: usize,
}

impl<R: AsyncBufRead + Unpin> Tokens<R> {
    /// Of a field no more than `most` bytes are kept.
    pub(super) fn new(from: R, most: usize) -> Self {
        Self { from, most }
    }

    /// The next field; `None` at the end.
    pub(super) async fn next(&mut self) -> io::Result<Option<Field>> {
        let mut kept: Vec<u8> = Vec::new();
        let mut is_cut = false;
        loop {
            let bytes = self.from.fill_buf().await?;
            if bytes.is_empty() {
                let is_end = kept.is_empty();
                return if is_end {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
            let end = bytes.iter().position(|byte| *byte == 0);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = self.most.saturating_sub(kept.len()).min(part.len());
            kept.extend_from_slice(&part[..room]);
            is_cut |= room < part.len();
            let used = part.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                return Ok(Some(Field {
                    bytes: kept,
                    is_cut,
                }));
            }
        }
    }
}

/// One field, or its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Field {
    /// Its text, with marks in place of what is no UTF-8.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The same where it is whole and UTF-8: of a path nothing may be missing.
    pub(super) fn path(self) -> Option<String> {
        let whole = (!self.is_cut).then_some(self.bytes)?;
        String::from_utf8(whole).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn fields_are_read_cut_and_ended() {
        let mut tokens = Tokens::new(&b"one\0\0a long one\0\xff\0"[..], 6);
        let mut read = Vec::new();
        while let Some(field) = tokens.next().await.expect("it is whole") {
            read.push((field.text(), field.path().is_some()));
        }
        let expect = [
            ("one", true),
            ("", true),
            ("a long", false),
            ("\u{fffd}", false),
        ];
        assert_eq!(
            read,
            expect.map(|(text, is_path)| (text.to_owned(), is_path))
        );
        let broken = Tokens::new(&b"no end"[..], 6).next().await;
        assert!(broken.is_err());
    }
}
