//! What passes over the lifeline between us and a supervisor: an order in, a report out.

use crate::adapters::sandbox::shape::Ceilings;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::path::PathBuf;

/// The byte that asks a supervisor to stop its program gently.
pub const STOP: u8 = b'T';
/// The byte that asks a supervisor to kill its program at once.
pub const KILL: u8 = b'K';
/// More than any order needs; what is longer did not come from us.
const LONGEST: u32 = 64 << 20;

/// What a supervisor is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// All of its environment, but for the mark that the supervisor adds.
    pub env: Vec<(String, String)>,
    /// How long a gentle stop may take before the kill, in milliseconds.
    pub grace_millis: u64,
    /// The largest file that it may write, in bytes.
    pub largest_file: u64,
    /// Is the program only what is around the one that is meant? Then a gentle stop is not for it.
    #[serde(default)]
    pub is_wrapped: bool,
    /// What it may take together with all that descends from it.
    #[serde(default)]
    pub ceilings: Ceilings,
}

/// What became of it; sent once nothing of the program runs any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "report")]
pub enum Report {
    /// It ran, and ended.
    Ended {
        /// Its exit code, or 128 and the signal that ended it.
        code: i32,
    },
    /// It never ran.
    NotStarted {
        /// Is it that there is no such program?
        missing: bool,
        /// Why not.
        detail: String,
    },
}

/// The bytes of an order and of what goes into the program's stdin: each with its length in four bytes before it.
pub fn encode(order: &Order, input: &[u8]) -> io::Result<Vec<u8>> {
    let order = serde_json::to_vec(order)?;
    let mut bytes = Vec::with_capacity(order.len() + input.len() + 8);
    for part in [&order[..], input] {
        let length = u32::try_from(part.len()).ok().filter(|n| *n <= LONGEST);
        let length = length.ok_or_else(|| io::Error::other("more than 64 MiB to hand over"))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}

/// Reads back what `encode` wrote; an error also where the lifeline closes before all of it came.
pub fn receive(lifeline: &mut impl Read) -> io::Result<(Order, Vec<u8>)> {
    let order = serde_json::from_slice(&part(lifeline)?)?;
    Ok((order, part(lifeline)?))
}

fn part(lifeline: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    lifeline.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other("more than 64 MiB announced"));
    }
    let mut bytes = Vec::new();
    lifeline.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            argv: vec!["printf".to_owned(), "ünï\n".to_owned()],
            directory: "/".into(),
            env: vec![("A".to_owned(), "1".to_owned())],
            grace_millis: 5,
            largest_file: 9,
            is_wrapped: true,
            ceilings: Ceilings {
                memory: 7,
                processes: 3,
            },
        }
    }

    #[test]
    fn an_order_arrives_as_it_was_sent() {
        let bytes = encode(&order(), b"prompt\0\xff").unwrap();
        let received = receive(&mut &bytes[..]).unwrap();
        assert_eq!(received, (order(), b"prompt\0\xff".to_vec()));
    }

    #[test]
    fn half_an_order_is_none() {
        let bytes = encode(&order(), b"prompt").unwrap();
        for length in 0..bytes.len() {
            assert!(receive(&mut &bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn an_absurd_length_allocates_nothing() {
        assert!(receive(&mut &[0xff; 8][..]).is_err());
    }
}
