//! What an agent's program reaches in the sandbox: its model's provider, and either a key from its environment, the files
//! of a configuration of our own, or the user's login.

use crate::adapters::process::environment::Variables;
use crate::adapters::sandbox::shape::Reach;
use crate::rules::host::{HostPattern, host_of_url};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// So many files of a configuration are shown.
const MOST_FILES: usize = 100;

/// What is known of a vendor's program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vendor {
    /// Variables that say where its provider is.
    pub(super) urls: &'static [&'static str],
    /// Where its provider is otherwise.
    pub(super) hosts: &'static [&'static str],
    /// Variables that hold a key, and the provider's host where it depends on that.
    pub(super) keys: &'static [(&'static str, &'static str)],
    /// The variable that names the directory of its configuration.
    pub(super) variable: &'static str,
    /// That directory in a home.
    pub(super) directory: &'static str,
    /// The user's login in there.
    pub(super) logins: &'static [&'static str],
}

impl Vendor {
    /// What a run with these variables reaches; `own` is the directory of a configuration of our own.
    pub(super) fn reach(&self, variables: &Variables, own: Option<&Path>) -> Reach {
        Reach {
            hosts: self.providers(variables),
            logins: self.files(variables, own),
            files: Vec::new(),
            answers: None,
        }
    }

    fn providers(&self, variables: &Variables) -> Vec<HostPattern> {
        let named = self.urls.iter().filter_map(|name| variables.get(*name));
        let named: Vec<_> = named.filter_map(|url| host_of_url(url)).collect();
        if !named.is_empty() {
            return exactly(named);
        }
        let keys = self.keys.iter();
        let of_keys = keys.filter(|(name, host)| !host.is_empty() && variables.contains_key(*name));
        let of_keys = of_keys.map(|(_, host)| *host);
        let hosts = self.hosts.iter().copied().chain(of_keys);
        exactly(hosts.map(|host| (host.to_owned(), 443)))
    }

    fn files(&self, variables: &Variables, own: Option<&Path>) -> Vec<(PathBuf, PathBuf)> {
        let inside = |name: &Path| Path::new(self.directory).join(name);
        if let Some(own) = own {
            let names = fs::read_dir(own).into_iter().flatten().flatten();
            let names = names.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
            return names
                .take(MOST_FILES)
                .map(|entry| (entry.path(), inside(Path::new(&entry.file_name()))))
                .collect();
        }
        if self
            .keys
            .iter()
            .any(|(name, _)| variables.contains_key(*name))
        {
            return Vec::new();
        }
        let home = variables.get("HOME").map_or("", String::as_str);
        let usual = || Path::new(home).join(self.directory);
        let directory = variables
            .get(self.variable)
            .map_or_else(usual, PathBuf::from);
        let logins = self
            .logins
            .iter()
            .map(|name| (directory.join(name), inside(Path::new(name))));
        logins.filter(|(path, _)| path.is_file()).collect()
    }
}

/// The hosts of all addresses that a configuration gives as `baseURL`.
pub(super) fn base_urls(config: &Value) -> Vec<HostPattern> {
    let mut found = Vec::new();
    gather(config, &mut found);
    exactly(found)
}

fn gather(value: &Value, found: &mut Vec<(String, u16)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let (true, Value::String(url)) = (name == "baseURL", value) {
                    found.extend(host_of_url(url));
                }
                gather(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn exactly(hosts: impl IntoIterator<Item = (String, u16)>) -> Vec<HostPattern> {
    let hosts = hosts.into_iter();
    hosts
        .filter_map(|(host, port)| HostPattern::exactly(&host, port))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const VENDOR: Vendor = Vendor {
        urls: &["URL"],
        hosts: &["api.example.com"],
        keys: &[("KEY", ""), ("OTHER", "other.example.com")],
        variable: "DIR",
        directory: ".agent",
        logins: &["login.json"],
    };

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_provider_is_where_the_environment_says() {
        let hosts = |pairs: &[(&str, &str)]| {
            let reach = VENDOR.reach(&variables(pairs), None);
            let hosts = reach.hosts.iter();
            hosts.map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(hosts(&[]), ["api.example.com:443"]);
        assert_eq!(
            hosts(&[("OTHER", "k")]),
            ["api.example.com:443", "other.example.com:443"]
        );
        assert_eq!(
            hosts(&[("URL", "http://127.0.0.1:81/v1")]),
            ["127.0.0.1:81"]
        );
    }

    #[test]
    fn a_login_is_shown_only_where_there_is_no_key() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".agent")).unwrap();
        let login = home.path().join(".agent/login.json");
        fs::write(&login, "").unwrap();
        let text = home.path().to_str().unwrap();
        let files = |pairs: &[(&str, &str)], own| VENDOR.reach(&variables(pairs), own).logins;
        let place = PathBuf::from(".agent/login.json");
        assert_eq!(
            files(&[("HOME", text)], None),
            [(login.clone(), place.clone())]
        );
        assert_eq!(files(&[("HOME", text), ("KEY", "k")], None), []);
        let own = home.path().join(".agent");
        assert_eq!(files(&[("KEY", "k")], Some(&own)), [(login, place)]);
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        let config =
            json!({ "provider": { "x": { "options": { "baseURL": "http://127.0.0.1:9/v1" } } } });
        assert_eq!(base_urls(&config), ["127.0.0.1:9".parse().unwrap()]);
    }
}
