//! What is read of the user's own git configuration, once: who they are, and how they reach the network.

use super::source::Identity;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// All settings that the user's own git would see there.
pub(super) async fn settings(directory: Option<&Path>) -> Vec<(String, String)> {
    let mut command = Command::new("git");
    command
        .args(["config", "--list", "-z"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
    ] {
        command.env_remove(name);
    }
    if let Some(directory) = directory.filter(|directory| directory.is_dir()) {
        command.current_dir(directory);
    }
    // Without them everything works that does not need a proxy.
    let Ok(output) = command.output().await else {
        return Vec::new();
    };
    String::from_utf8_lossy(&output.stdout)
        .split('\0')
        .filter_map(|entry| entry.split_once('\n'))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Does it mark a partial clone?
pub(super) fn is_partial(key: &str) -> bool {
    key == "extensions.partialclone" || (key.starts_with("remote.") && key.ends_with(".promisor"))
}

/// May it change what a repository does with a push?
pub(super) fn is_about_pushes(key: &str) -> bool {
    let sections = ["receive.", "transfer.", "hook.", "extensions."];
    let is_format = matches!(
        key,
        "extensions.objectformat" | "extensions.worktreeconfig" | "extensions.refstorage"
    );
    key == "core.hookspath"
        || (!is_format && sections.iter().any(|section| key.starts_with(section)))
}

/// Name and address, where both are set.
pub(super) fn identity(settings: &[(String, String)]) -> Option<Identity> {
    let last = |wanted: &str| {
        let (_, value) = settings.iter().rfind(|(key, _)| key == wanted)?;
        Some(value.as_str())
    };
    Identity::new(last("user.name")?, last("user.email")?)
}

/// `http.proxy` and `http.sslCAInfo`, with or without a URL in the middle.
pub(super) fn carry((key, value): (String, String)) -> Option<(String, String)> {
    let name = key.strip_prefix("http.")?;
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    match name {
        "proxy" => Some((key, value)),
        "sslcainfo" => Some((key, at_home(&value))),
        _ => None,
    }
}

fn at_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest).to_string_lossy().into_owned(),
        (Some(_), None) | (None, _) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_settings_of_the_user_come_along() {
        let check = |key: &str, taken: bool| {
            let setting = (key.to_owned(), "value".to_owned());
            assert_eq!(carry(setting).is_some(), taken, "{key}");
        };
        check("http.proxy", true);
        check("http.https://example.com/.proxy", true);
        check("http.sslcainfo", true);
        check("http.extraheader", false);
        check("core.sshcommand", false);
        check("remote.origin.proxy", false);
    }

    #[test]
    fn settings_that_a_push_obeys_are_seen() {
        let check = |key: &str, is: bool| assert_eq!(is_about_pushes(key), is, "{key}");
        check("receive.denycreates", true);
        check("transfer.hiderefs", true);
        check("core.hookspath", true);
        check("hook.lint.command", true);
        check("extensions.partialclone", true);
        check("extensions.objectformat", false);
        check("core.bare", false);
    }

    #[test]
    fn an_identity_needs_name_and_address() {
        let settings = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        assert_eq!(identity(&settings(&[("user.name", "Ada")])), None);
        let full = [
            ("user.name", "Ada"),
            ("user.email", "a@x"),
            ("user.name", "Ada L."),
        ];
        let found = identity(&settings(&full)).unwrap();
        assert_eq!(
            (found.name.as_str(), found.email.as_str()),
            ("Ada L", "a@x")
        );
    }
}
