//! The real binary in a sealed environment: its own home, its own programs, no variables of ours.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A temporary home with a working directory, and a `PATH` that holds git, a shell and what a test adds.
pub(crate) struct Sealed {
    top: tempfile::TempDir,
}

impl Sealed {
    /// With an empty working directory.
    pub(crate) fn new() -> Self {
        let sealed = Self {
            top: tempfile::tempdir().unwrap(),
        };
        for directory in ["home", "bin", "work"] {
            fs::create_dir(sealed.path(directory)).unwrap();
        }
        for program in ["git", "sh"] {
            symlink(find(program), sealed.path("bin").join(program)).unwrap();
        }
        sealed
    }

    /// With a repository that has a commit.
    pub(crate) fn repository() -> Self {
        let sealed = Self::new();
        sealed.git(&["init", "-q", "-b", "main"]);
        sealed.git(&["commit", "-q", "--allow-empty", "-m", "start"]);
        sealed
    }

    /// A path below the top.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.top.path().canonicalize().unwrap().join(below)
    }

    /// The working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// Writes a file into the working directory.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.work().join(name), text).unwrap();
    }

    /// Adds a program to `PATH`: a shell script.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs git in the working directory.
    pub(crate) fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        self.seal(&mut git);
        let output = git
            .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    }

    /// The real binary, not yet started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_autoissue"));
        self.seal(&mut command);
        command.args(args);
        command
    }

    /// Runs the real binary, and shows how it ended and all it said, the top directory as `$TOP`.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        self.shown(&self.command(args).output().unwrap())
    }

    /// Runs it with these variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], args: &[&str]) -> String {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        self.shown(&command.output().unwrap())
    }

    fn shown(&self, output: &Output) -> String {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            text.replace(self.path("").to_str().unwrap(), "$TOP/")
        };
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let mut shown = format!("exit code {}\n", output.status.code().unwrap());
        for (name, text) in [("stdout", out), ("stderr", err)] {
            if !text.is_empty() {
                shown.extend(["--- ", name, "\n", &text]);
            }
        }
        shown
    }

    fn seal(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // Nothing above the temporary directory is looked at, wherever it lies.
            .env("GIT_CEILING_DIRECTORIES", self.path(""))
            .current_dir(self.work())
            .stdin(Stdio::null());
    }
}

fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|path| Path::is_file(path))
        .unwrap()
}
