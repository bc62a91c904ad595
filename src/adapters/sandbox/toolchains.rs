//! What may be read of the user's own directories: the programs of `PATH`, toolchains, and what they fetched before.
//! Never written: what a build leaves there, the user's next build would run.

use super::system;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Of one directory of programs so many links are followed.
const MOST_LINKS: usize = 1000;
/// More than any sensible configuration file.
const LARGEST: u64 = 1 << 20;

/// Directories of toolchains: the variable that names each, where it is otherwise (below the home), and what of it is
/// shown; all of it where nothing is named. What may hold a token is never named.
const TOOLCHAINS: &[(&str, &str, &[&str])] = &[
    ("RUSTUP_HOME", ".rustup", &[]),
    ("CARGO_HOME", ".cargo", &["bin", "env", "git", "registry"]),
    ("GOROOT", "", &[]),
    ("GOPATH", "go", &["bin", "pkg"]),
    ("GOMODCACHE", "", &[]),
    ("JAVA_HOME", "", &[]),
    ("NVM_DIR", ".nvm", &["versions", "nvm.sh"]),
    ("VOLTA_HOME", ".volta", &["bin", "tools"]),
    ("PNPM_HOME", ".local/share/pnpm", &[]),
    ("BUN_INSTALL", ".bun", &["bin"]),
    ("PYENV_ROOT", ".pyenv", &[]),
    ("RBENV_ROOT", ".rbenv", &[]),
    ("GEM_HOME", ".gem/ruby", &[]),
    ("DOTNET_ROOT", ".dotnet", &[]),
    ("ANDROID_HOME", "", &[]),
    ("VIRTUAL_ENV", "", &[]),
    ("", ".asdf", &[]),
    ("", ".hex", &["packages"]),
    ("", ".local/lib", &[]),
    ("", ".local/share/mise", &["installs", "shims"]),
    ("", ".local/share/pipx", &[]),
    ("", ".local/share/uv", &["python", "tools"]),
    ("", ".m2/repository", &[]),
    ("", ".nuget/packages", &[]),
    ("", ".sdkman/candidates", &[]),
    ("SSL_CERT_FILE", "", &[]),
    ("SSL_CERT_DIR", "", &[]),
    ("NODE_EXTRA_CA_CERTS", "", &[]),
];

/// All that is there, by a program's own variables: its `PATH` and the directories of toolchains.
#[must_use]
pub fn shown(variables: &BTreeMap<String, String>, home: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let path = variables
        .get("PATH")
        .map(String::as_str)
        .unwrap_or_default();
    for directory in std::env::split_paths(path) {
        programs(&directory, home, &mut found);
    }
    for (variable, usual, parts) in TOOLCHAINS {
        let named = variables.get(*variable).map(PathBuf::from);
        let root = named.or_else(|| (!usual.is_empty()).then(|| home.join(usual)));
        let Some(root) = root.filter(|root| root.is_absolute()) else {
            continue;
        };
        let all = [root.clone()];
        let parts: Vec<PathBuf> = parts.iter().map(|part| root.join(part)).collect();
        let parts = if parts.is_empty() {
            &all[..]
        } else {
            &parts[..]
        };
        found.extend(parts.iter().filter(|part| part.exists()).cloned());
        if *variable == "CARGO_HOME" {
            found.extend(cargo_settings(&root));
        }
    }
    // Nobody gets the home, or what it is in, whatever a variable says.
    found.retain(|path| !home.starts_with(path) && !system::has(path));
    found
}

/// A program that is named, with all that is installed around it.
#[must_use]
pub fn around(program: &Path, home: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::from([program.to_owned()]);
    if let Ok(real) = program.canonicalize() {
        found.insert(installed(&real, home));
    }
    found.retain(|path| !system::has(path));
    found
}

/// A directory of programs, and where its links lead.
fn programs(directory: &Path, home: &Path, found: &mut BTreeSet<PathBuf>) {
    if !directory.is_absolute() || system::has(directory) || home.starts_with(directory) {
        return;
    }
    let Ok(listing) = fs::read_dir(directory) else {
        return;
    };
    found.insert(directory.to_owned());
    for entry in listing.take(MOST_LINKS).flatten() {
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if is_link && let Ok(real) = entry.path().canonicalize() {
            found.insert(installed(&real, home));
        }
    }
}

/// What has to be there for this file to run: the packages beside it, else its directory, else itself alone.
fn installed(real: &Path, home: &Path) -> PathBuf {
    let packages = real
        .ancestors()
        .filter(|path| path.ends_with("node_modules"));
    if let Some(packages) = packages.last() {
        return packages.to_owned();
    }
    let directory = real.parent().unwrap_or(real);
    let is_too_much = home.starts_with(directory) || directory.parent().is_none();
    if is_too_much || directory == Path::new("/tmp") {
        real.to_owned()
    } else {
        directory.to_owned()
    }
}

/// Cargo's own settings say where crates come from; some people keep a token in them.
fn cargo_settings(root: &Path) -> Option<PathBuf> {
    let path = root.join("config.toml");
    let size = fs::metadata(&path).ok()?.len();
    let text = (size <= LARGEST).then(|| fs::read_to_string(&path).ok())??;
    (!text.contains("token") && !text.contains("secret")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn variables(pairs: &[(&str, &Path)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, path)| ((*name).to_owned(), path.display().to_string()))
            .collect()
    }

    #[test]
    fn toolchains_are_shown_and_tokens_are_not() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for directory in [
            ".cargo/bin",
            ".cargo/registry",
            ".rustup",
            ".ssh",
            "go/src",
            ".npm",
        ] {
            fs::create_dir_all(home.join(directory)).unwrap();
        }
        fs::write(home.join(".cargo/credentials.toml"), "token").unwrap();
        fs::write(home.join(".cargo/config.toml"), "[net]\noffline = true").unwrap();
        let path = home.join(".cargo/bin");
        let found = shown(&variables(&[("PATH", &path)]), &home);
        let expect = [
            ".cargo/bin",
            ".cargo/config.toml",
            ".cargo/registry",
            ".rustup",
        ];
        assert_eq!(found, expect.map(|path| home.join(path)).into());
        fs::write(home.join(".cargo/config.toml"), "token = 'x'").unwrap();
        assert!(!shown(&variables(&[]), &home).contains(&home.join(".cargo/config.toml")));
    }

    #[test]
    fn the_home_itself_is_never_shown() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let pairs = [
            ("PATH", &*home),
            ("JAVA_HOME", home.parent().unwrap()),
            ("GOROOT", &*home),
        ];
        assert_eq!(shown(&variables(&pairs), &home), BTreeSet::new());
    }

    #[test]
    fn a_package_is_shown_where_a_link_to_its_program_is() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let package = home.join("tools/node_modules/agent");
        fs::create_dir_all(&package).unwrap();
        fs::create_dir_all(home.join("bin")).unwrap();
        fs::write(package.join("cli.js"), "").unwrap();
        symlink(package.join("cli.js"), home.join("bin/agent")).unwrap();
        let found = shown(&variables(&[("PATH", &home.join("bin"))]), &home);
        let expect = [home.join("bin"), home.join("tools/node_modules")];
        assert_eq!(found, expect.into());
        let found = around(&home.join("bin/agent"), &home);
        let expect = [home.join("bin/agent"), home.join("tools/node_modules")];
        assert_eq!(found, expect.into());
    }
}
