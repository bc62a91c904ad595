//! What a program printed, made fit for a person's terminal: the one place where that is decided for this room.

/// Printable text of at most about so many bytes, from the beginning.
#[must_use]
pub fn block(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * most)]);
    let mut printable: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    cut(&mut printable, most);
    printable.trim_end().to_owned()
}

/// One printable line of at most about so many bytes.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().take(most).collect();
    block(words.join(" ").as_bytes(), most)
}

fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}
