//! What a run costs beside raw git.

fn main() {
    let _program = env!("CARGO_BIN_EXE_autoissue");
}
