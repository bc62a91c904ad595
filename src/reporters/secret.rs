//! Asks for a secret on the terminal, without showing it.

use console::Term;
use std::io;

/// Asks, and reads a line that the terminal does not show.
pub fn ask_secret(prompt: &str) -> io::Result<String> {
    let terminal = Term::stderr();
    terminal.write_str(prompt)?;
    terminal.read_secure_line()
}
