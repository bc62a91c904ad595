//! Passwords as argon2 hashes: made, read and compared. Both take time and memory on purpose: callers bound how many run at once.
//!
//! Argon2id, 19 MiB, two passes (RFC 9106; OWASP, "Password Storage Cheat Sheet"), as a PHC string.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordHasher as _, PasswordVerifier as _};

/// What one comparison may take at most, so that a hash from elsewhere holds no server up: KiB, and passes.
const MEMORY_MAX: u32 = 262_144;
const PASSES_MAX: u32 = 16;

/// The hash of a password with this salt, which is to be of chance and never used again.
#[must_use]
pub fn hash(password: &str, salt: &[u8; 16]) -> String {
    let made = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    made.expect("the usual costs and a salt of 16 bytes are valid")
        .to_string()
}

/// Why this is no hash that a password can be compared with, if it is none.
#[must_use]
pub fn objection(hash: &str) -> Option<&'static str> {
    let Ok(read) = PasswordHash::new(hash) else {
        return Some("is no hash of a password");
    };
    if !read.algorithm.as_str().starts_with("argon2") {
        return Some("is not of argon2");
    }
    if read.hash.is_none() || read.salt.is_none() {
        return Some("has no salt or no hash in it");
    }
    match Params::try_from(&read) {
        Err(_) => Some("has costs that argon2 does not know"),
        Ok(costs) if costs.m_cost() > MEMORY_MAX || costs.t_cost() > PASSES_MAX => {
            Some("costs more than 256 MiB or 16 passes for each login")
        }
        Ok(_) => None,
    }
}

/// Is it this password? Nothing is where the hash is none.
#[must_use]
pub fn is_right(hash: &str, password: &[u8]) -> bool {
    let read = PasswordHash::new(hash).ok();
    let read = read.filter(|_| objection(hash).is_none());
    read.is_some_and(|read| Argon2::default().verify_password(password, &read).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_is_right() {
        let made = hash("correct horse", &[7; 16]);
        assert!(
            made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
        assert_eq!(objection(&made), None);
        assert!(is_right(&made, b"correct horse"));
        for wrong in ["", "correct", "correct horse ", "Correct horse", &made] {
            assert!(!is_right(&made, wrong.as_bytes()), "{wrong}");
        }
        assert_ne!(hash("correct horse", &[8; 16]), made, "another salt");
    }

    #[test]
    fn what_is_no_hash_or_too_dear_is_refused() {
        let dear = "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";
        let slow = "$argon2id$v=19$m=19456,t=1000,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";
        for odd in [
            "",
            "hunter2",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$",
            dear,
            slow,
        ] {
            assert!(objection(odd).is_some(), "{odd}");
            assert!(!is_right(odd, b"hunter2"), "{odd}");
        }
    }
}
