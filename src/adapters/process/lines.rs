//! Output in bounded memory: lines out of chunks, and the last bytes of everything.

use std::io::BufRead;

/// The longest line that is passed on whole, in bytes.
pub const LONGEST: usize = 16 << 20;

/// One line of output, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its bytes; any bytes.
    pub text: &'a [u8],
    /// How many more it had than are passed on.
    pub cut: u64,
}

/// Puts lines together from chunks.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    cut: u64,
}

impl Lines {
    /// Takes a chunk, and passes on the lines that end in it.
    pub fn feed(&mut self, mut chunk: &[u8], mut each: impl FnMut(Line<'_>)) {
        while !chunk.is_empty() {
            let mut rest = chunk;
            let length = rest.skip_until(b'\n').unwrap_or(chunk.len());
            let piece = &chunk[..length];
            chunk = rest;
            match piece.strip_suffix(b"\n") {
                None => self.keep(piece),
                Some(end) if self.line.is_empty() && end.len() <= LONGEST => {
                    each(Line { text: end, cut: 0 });
                }
                Some(end) => {
                    self.keep(end);
                    self.finish(&mut each);
                }
            }
        }
    }

    /// Passes on what is left at the end of the output: a last line without its end.
    pub fn finish(&mut self, mut each: impl FnMut(Line<'_>)) {
        if self.line.is_empty() {
            return;
        }
        each(Line {
            text: &self.line,
            cut: self.cut,
        });
        // One monstrous line must not hold its memory for the rest of the run.
        self.line = Vec::new();
        self.cut = 0;
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = LONGEST - self.line.len();
        let (kept, lost) = piece.split_at(piece.len().min(room));
        self.line.extend_from_slice(kept);
        self.cut += lost.len() as u64;
    }
}

/// The last so many bytes of something long.
#[derive(Debug)]
pub struct Tail {
    bytes: Vec<u8>,
    size: usize,
    cut: bool,
}

impl Tail {
    /// Keeps at least the last `size` bytes, and never more than twice as many.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            bytes: Vec::new(),
            size,
            cut: false,
        }
    }

    /// Takes more.
    pub fn push(&mut self, more: &[u8]) {
        let surplus = more.len().saturating_sub(self.size);
        self.cut |= surplus > 0;
        self.bytes.extend_from_slice(&more[surplus..]);
        if self.bytes.len() > 2 * self.size {
            self.shorten();
        }
    }

    /// The last `size` bytes, and whether something stood before them.
    #[must_use]
    pub fn take(mut self) -> (Vec<u8>, bool) {
        self.shorten();
        (self.bytes, self.cut)
    }

    fn shorten(&mut self) {
        let surplus = self.bytes.len().saturating_sub(self.size);
        self.cut |= surplus > 0;
        self.bytes.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<(Vec<u8>, u64)> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, |line| found.push((line.text.to_vec(), line.cut)));
        }
        lines.finish(|line| found.push((line.text.to_vec(), line.cut)));
        found
    }

    #[test]
    fn lines_are_the_same_however_they_are_chunked() {
        let text = b"one\n\ntwo \xff\nhalf";
        let expect = lines(&[text]);
        assert_eq!(expect.len(), 4);
        for cut in 0..text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(lines(&[left, right]), expect, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_of_any_length_is_cut_and_told() {
        let chunk = vec![b'x'; 1 << 20];
        let mut chunks = vec![&chunk[..]; 20];
        chunks.push(b"\nshort\n");
        let found = lines(&chunks);
        assert_eq!((found[0].0.len(), found[0].1), (LONGEST, 4 << 20));
        assert_eq!(found[1], (b"short".to_vec(), 0));
    }

    #[test]
    fn a_tail_is_the_end_and_says_so() {
        let mut tail = Tail::new(4);
        tail.push(b"ab");
        assert_eq!(
            Tail {
                bytes: tail.bytes.clone(),
                ..tail
            }
            .take(),
            (b"ab".to_vec(), false)
        );
        let mut tail = Tail::new(4);
        for piece in [&b"abc"[..], b"defghijklmno", b"pq"] {
            tail.push(piece);
            assert!(tail.bytes.len() <= 8);
        }
        assert_eq!(tail.take(), (b"nopq".to_vec(), true));
    }
}
