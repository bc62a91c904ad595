//! The system's keyring, asked by its own program: `secret-tool` of libsecret on Linux, `security` on macOS.
//!
//! A token is never an argument: other accounts see those. Both programs read it from their input.

use crate::adapters::vault::asked::answer;
use secrecy::{ExposeSecret, SecretString};
use std::process::Command;
use std::time::Duration;

/// How long it may take to answer.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a person may take to unlock it.
const UNLOCKED: Duration = Duration::from_secs(60);
/// Under which name tokens are kept.
const SERVICE: &str = "autoissue";

/// A keyring that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyring(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SecretTool,
    Security,
}

impl Keyring {
    /// The one of this system, where there is one: on Linux that takes a session bus and `secret-tool`.
    #[must_use]
    pub fn find(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let is_there = |program: &str| {
            let path = variable("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
        };
        if cfg!(target_os = "macos") {
            return is_there("security").then_some(Self(Kind::Security));
        }
        let bus = variable("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty());
        (bus.is_some() && is_there("secret-tool")).then_some(Self(Kind::SecretTool))
    }

    /// The token for a host.
    #[must_use]
    pub fn read(self, host: &str) -> Option<SecretString> {
        let args = match self.0 {
            Kind::SecretTool => vec!["lookup", "service", SERVICE, "host", host],
            Kind::Security => vec!["find-generic-password", "-s", SERVICE, "-a", host, "-w"],
        };
        let said = self.ask(&args, None, LONGEST)?;
        let token = said.trim();
        (!token.is_empty()).then(|| SecretString::from(token.to_owned()))
    }

    /// Keeps it; false where it was not taken.
    #[must_use]
    pub fn write(self, host: &str, token: &SecretString) -> bool {
        let token = token.expose_secret();
        let label = format!("--label=autoissue: GitHub token for {host}");
        match self.0 {
            Kind::SecretTool => {
                let args = ["store", &label, "service", SERVICE, "host", host];
                self.ask(&args, Some(token), UNLOCKED).is_some()
            }
            // Tokens hold no quotes or spaces, which would end the word in a line of `security -i`.
            Kind::Security => {
                let line =
                    format!("add-generic-password -U -s {SERVICE} -a {host} -w \"{token}\"\n");
                self.ask(&["-i"], Some(&line), UNLOCKED).is_some()
            }
        }
    }

    /// Removes it, if it is there.
    pub fn remove(self, host: &str) {
        let args = match self.0 {
            Kind::SecretTool => vec!["clear", "service", SERVICE, "host", host],
            Kind::Security => vec!["delete-generic-password", "-s", SERVICE, "-a", host],
        };
        let _ = self.ask(&args, None, LONGEST);
    }

    /// What the program says, if it ends well in time.
    fn ask(self, args: &[&str], input: Option<&str>, longest: Duration) -> Option<String> {
        let program = match self.0 {
            Kind::SecretTool => "secret-tool",
            Kind::Security => "security",
        };
        answer(Command::new(program).args(args), input, longest)
    }
}
