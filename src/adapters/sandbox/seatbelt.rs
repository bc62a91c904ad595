//! The sandbox of macOS: a profile for `sandbox-exec`, which denies all that it does not name.

use super::confine::Confinement;
use std::fmt::Write as _;
use std::path::Path;

/// Where macOS keeps it.
pub const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// Where macOS keeps programs and libraries.
const SYSTEM: [&str; 7] = [
    "/usr",
    "/bin",
    "/sbin",
    "/System",
    "/Library/Developer",
    "/Library/Frameworks",
    "/private/var/db/dyld",
];
/// What programs cannot start without: none of them reaches a file or another host.
const NEEDED: &str = "\
(allow process-exec*)
(allow process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-ioctl (literal \"/dev/tty\"))
(allow file-read* file-write-data (literal \"/dev/null\") (literal \"/dev/zero\"))
(allow file-read* (literal \"/\") (literal \"/dev/random\") (literal \"/dev/urandom\"))
(allow mach-lookup (global-name \"com.apple.system.opendirectoryd.libinfo\"))
";

/// The command line that runs this by the profile.
#[must_use]
pub fn argv(confinement: &Confinement, argv: &[String]) -> Vec<String> {
    let before = [PROGRAM.to_owned(), "-p".to_owned(), profile(confinement)];
    before.into_iter().chain(argv.iter().cloned()).collect()
}

/// The profile.
#[must_use]
pub fn profile(confinement: &Confinement) -> String {
    let mut text = format!("(version 1)\n(deny default)\n{NEEDED}");
    let system = SYSTEM.iter().map(Path::new);
    for path in system.chain(confinement.read.iter().map(AsRef::as_ref)) {
        let _ = writeln!(text, "(allow file-read* (subpath {}))", quoted(path));
    }
    for path in &confinement.write {
        let _ = writeln!(
            text,
            "(allow file-read* file-write* (subpath {}))",
            quoted(path)
        );
    }
    match &confinement.ports {
        // Addresses other than this machine's cannot be told apart, so none is allowed.
        Some(ports) => {
            for port in ports {
                let _ = writeln!(
                    text,
                    "(allow network-outbound (remote ip \"localhost:{port}\"))"
                );
            }
        }
        None => text
            .push_str("(allow network-outbound (remote ip))\n(allow network-inbound (local ip))\n"),
    }
    text
}

/// As a string of the profile's language.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confinement() -> Confinement {
        Confinement {
            read: ["/Users/a/.cargo/bin".into()].into(),
            write: ["/w/issue-7".into(), "/w/a \"b\\c".into()].into(),
            ports: Some(vec![49152]),
        }
    }

    #[test]
    fn a_profile_denies_what_it_does_not_name() {
        let text = profile(&confinement());
        assert!(text.starts_with("(version 1)\n(deny default)\n"));
        assert!(text.contains("(allow file-read* (subpath \"/Users/a/.cargo/bin\"))\n"));
        assert!(text.contains("(allow file-read* file-write* (subpath \"/w/issue-7\"))\n"));
        assert!(text.ends_with("(allow network-outbound (remote ip \"localhost:49152\"))\n"));
        for never in [
            "(allow default)",
            "(allow file*)",
            "(allow network*)",
            "docker",
        ] {
            assert!(!text.contains(never), "{never}");
        }
    }

    #[test]
    fn no_path_ends_its_own_string() {
        let text = profile(&confinement());
        assert!(text.contains(r#"(subpath "/w/a \"b\\c")"#), "{text}");
        let depth = text.replace("\\\"", "").matches('(').count();
        assert_eq!(depth, text.replace("\\\"", "").matches(')').count());
    }

    #[test]
    fn an_open_network_is_open() {
        let open = Confinement {
            ports: None,
            ..confinement()
        };
        assert!(profile(&open).contains("(allow network-outbound (remote ip))"));
    }

    #[test]
    fn the_command_line_holds_the_profile() {
        let argv = argv(&confinement(), &["claude".to_owned(), "-p".to_owned()]);
        assert_eq!(argv[..2], [PROGRAM, "-p"]);
        assert_eq!(argv[3..], ["claude", "-p"]);
    }
}
