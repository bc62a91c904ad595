//! What a program may see of our environment: names on a list, and nothing else.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Variables for a child, by name.
pub type Variables = BTreeMap<String, String>;

const PLAIN: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];
const TOOLCHAINS: &[&str] = &[
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOROOT",
    "GOPATH",
    "GOCACHE",
    "GOMODCACHE",
    "GOTOOLCHAIN",
    "JAVA_HOME",
    "GRADLE_USER_HOME",
    "MAVEN_OPTS",
    "NVM_DIR",
    "NVM_BIN",
    "VOLTA_HOME",
    "PNPM_HOME",
    "BUN_INSTALL",
    "DENO_DIR",
    "COREPACK_HOME",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
    "PIP_CACHE_DIR",
    "UV_CACHE_DIR",
    "RBENV_ROOT",
    "GEM_HOME",
    "GEM_PATH",
    "BUNDLE_PATH",
    "DOTNET_ROOT",
    "ANDROID_HOME",
    "SDKROOT",
    "DEVELOPER_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
];
/// How to get out where there is a proxy; such an address may hold a password.
const PROXIES: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];
/// The forge's keys: ours alone, even where the configuration hands them out.
const NEVER: &[&str] = &[
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "AUTOISSUE_GITHUB_TOKEN",
];

/// Our own environment as far as any program may see it, and further names that this one needs.
#[must_use]
pub fn inherited(further: &[&str]) -> Variables {
    choose(std::env::vars_os(), further)
}

/// The same with the ways out that a proxy's address names, also where that holds a password: for programs that have to
/// reach their provider.
#[must_use]
pub fn inherited_with_proxies(further: &[&str]) -> Variables {
    inherited(&[PROXIES, further].concat())
}

/// Adds variables over those that are there; the forge's keys are left out.
pub fn add<'a>(variables: &mut Variables, more: impl IntoIterator<Item = &'a (String, String)>) {
    for (name, value) in more {
        if !NEVER.contains(&name.as_str()) {
            variables.insert(name.clone(), value.clone());
        }
    }
}

/// Do we run as root? Some programs refuse what they do for others.
#[must_use]
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn choose(all: impl Iterator<Item = (OsString, OsString)>, further: &[&str]) -> Variables {
    let mut chosen: Variables = all
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| is_open(name, value, further) && !NEVER.contains(&name.as_str()))
        .collect();
    for (name, value) in [("TERM", "dumb"), ("NO_COLOR", "1")] {
        chosen.insert(name.to_owned(), value.to_owned());
    }
    chosen
}

fn is_open(name: &str, value: &str, further: &[&str]) -> bool {
    let is_on = |list: &[&str]| list.contains(&name);
    is_on(further)
        || is_on(PLAIN)
        || is_on(TOOLCHAINS)
        || name.starts_with("LC_")
        || (is_on(PROXIES) && !value.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(further: &[&str]) -> Variables {
        let all = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("CARGO_HOME", "/c"),
            ("TERM", "xterm"),
            ("GITHUB_TOKEN", "canary"),
            ("GH_TOKEN", "canary"),
            ("SSH_AUTH_SOCK", "canary"),
            ("ACTIONS_RUNTIME_TOKEN", "canary"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("NPM_TOKEN", "canary"),
            ("HTTPS_PROXY", "http://me:canary@proxy:1"),
            ("HTTP_PROXY", "http://proxy:1"),
            ("ANTHROPIC_API_KEY", "key"),
            ("MY_SECRET", "canary"),
            ("PATHS", "canary"),
        ];
        choose(
            all.into_iter()
                .map(|(name, value)| (name.into(), value.into())),
            further,
        )
    }

    #[test]
    fn only_listed_names_pass() {
        let names: Vec<String> = chosen(&[]).into_keys().collect();
        assert_eq!(
            names,
            [
                "CARGO_HOME",
                "HTTP_PROXY",
                "LC_ALL",
                "NO_COLOR",
                "PATH",
                "TERM"
            ]
        );
        assert_eq!(chosen(&[])["TERM"], "dumb");
    }

    #[test]
    fn further_names_pass_but_never_the_forges_keys() {
        let chosen = chosen(&["ANTHROPIC_API_KEY", "GITHUB_TOKEN"]);
        assert_eq!(chosen["ANTHROPIC_API_KEY"], "key");
        assert!(!chosen.values().any(|value| value.contains("canary")));
    }

    #[test]
    fn the_configuration_cannot_hand_out_the_forges_keys() {
        let mut variables = Variables::new();
        let more = [
            ("GH_TOKEN".to_owned(), "canary".to_owned()),
            ("A".to_owned(), "1".to_owned()),
        ];
        add(&mut variables, &more);
        assert_eq!(variables.into_keys().collect::<Vec<_>>(), ["A"]);
    }
}
