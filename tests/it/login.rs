//! `login` and `logout`: where a token is kept, who may read it, and which one counts.

use crate::sealed::Sealed;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

/// As libsecret's, over a file; notes its arguments.
const SECRET_TOOL: &str = r#"
echo "$@" >> "$HOME/args"
case "$1" in
    store) cat > "$HOME/ring" ;;
    lookup) [ -e "$HOME/ring" ] || exit 1; cat "$HOME/ring" ;;
    clear) rm -f "$HOME/ring" ;;
esac"#;
const BUS: (&str, &str) = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");

fn login(sealed: &Sealed, stdin: &str, variables: &[(&str, &str)]) -> String {
    let mut command = sealed.command(&["login"]);
    command
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    to.write_all(stdin.as_bytes()).unwrap();
    drop(to);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    said.replace(sealed.path("").to_str().unwrap(), "$TOP/")
}

fn file(sealed: &Sealed) -> PathBuf {
    sealed.path("home/.config/autoissue/token-github.com")
}

/// What `doctor` says of the token.
fn token_line(sealed: &Sealed, variables: &[(&str, &str)]) -> String {
    let told = sealed.run_with(variables, &["doctor"]);
    let mut lines = told.lines().skip_while(|line| !line.contains("token   "));
    let line = lines.next().unwrap().to_owned();
    match lines.next().filter(|next| next.contains("hint: ")) {
        Some(hint) => format!("{line}\n{}", hint.trim()),
        None => line,
    }
}

#[test]
fn a_token_from_stdin_is_kept_in_a_file_for_its_owner_alone_where_there_is_no_keyring() {
    let sealed = Sealed::repository();
    let said = login(&sealed, &format!("{TOKEN}\n"), &[]);
    assert_eq!(
        said,
        "The token for github.com (a classic token) is kept in $TOP/home/.config/autoissue/token-github.com. `autoissue doctor` says what it may do.\n"
    );
    let mode = fs::metadata(file(&sealed)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_to_string(file(&sealed)).unwrap(), TOKEN);
    let line = token_line(&sealed, &[]);
    assert!(
        line.starts_with("ok    token        from $TOP/home/.config/autoissue/token-github.com, "),
        "{line}"
    );
    // What the environment says goes before it.
    let line = token_line(&sealed, &[("GH_TOKEN", "ghp_other")]);
    assert!(line.contains("from GH_TOKEN"), "{line}");
    sealed.program("gh", "echo ghp_of_gh");
    assert!(token_line(&sealed, &[]).contains("token-github.com"));
    let noted = login(&sealed, TOKEN, &[("GITHUB_TOKEN", "x")]);
    assert!(
        noted.contains("note: GITHUB_TOKEN is set, and goes before it"),
        "{noted}"
    );
    let gone = sealed.run(&["logout"]);
    assert!(
        gone.contains("The token for github.com is gone from $TOP/"),
        "{gone}"
    );
    assert!(!file(&sealed).exists());
    assert!(token_line(&sealed, &[]).contains("from gh auth token"));
    assert!(
        sealed
            .run(&["logout"])
            .contains("No token for github.com was kept.")
    );
}

#[test]
fn one_that_others_can_read_is_refused_with_what_mends_it() {
    let sealed = Sealed::repository();
    sealed.git(&["remote", "add", "origin", "git@github.com:owner/shop.git"]);
    // Going on with another token would be somebody else.
    sealed.program("gh", "echo ghp_of_gh");
    login(&sealed, TOKEN, &[]);
    fs::set_permissions(file(&sealed), fs::Permissions::from_mode(0o644)).unwrap();
    let line = token_line(&sealed, &[]);
    let chmod = "chmod 600 $TOP/home/.config/autoissue/token-github.com";
    assert!(
        line.starts_with("fail  token") && line.contains("(mode 644)"),
        "{line}"
    );
    assert!(line.ends_with(&format!("hint: {chmod}")), "{line}");
    let exec = sealed.run(&["exec", "--issue", "1"]);
    assert!(
        exec.starts_with("exit code 1") && exec.contains("(mode 644)") && exec.contains(chmod),
        "{exec}"
    );
    // The control: the mode alone was wrong.
    fs::set_permissions(file(&sealed), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(token_line(&sealed, &[]).starts_with("ok    token"));
}

#[test]
fn what_is_no_token_is_not_kept_and_none_is_an_argument() {
    let sealed = Sealed::repository();
    for (stdin, problem) in [
        ("", "there is none on stdin"),
        (" \n", "there is none on stdin"),
        ("two words", "it has characters that no token has"),
        ("a\nb", "it has characters that no token has"),
        ("ghp_\u{1b}[2J", "it has characters that no token has"),
    ] {
        let said = login(&sealed, stdin, &[]);
        assert!(
            said.contains(problem) && said.contains("hint: "),
            "{stdin:?}: {said}"
        );
    }
    let long = login(&sealed, &"x".repeat(10_000), &[]);
    assert!(long.contains("it is longer than any token"), "{long}");
    assert!(!file(&sealed).exists());
    let argument = sealed.run(&["login", TOKEN]);
    assert!(argument.starts_with("exit code 2"), "{argument}");
}

#[test]
fn a_keyring_goes_before_the_file_and_no_program_gets_the_token_as_an_argument() {
    let sealed = Sealed::repository();
    login(&sealed, "ghp_in_the_file", &[]);
    sealed.program("cat", "exec /bin/cat \"$@\"");
    sealed.program("rm", "exec /bin/rm \"$@\"");
    sealed.program("secret-tool", SECRET_TOOL);
    assert!(token_line(&sealed, &[BUS]).contains("token-github.com"));
    let said = login(&sealed, TOKEN, &[BUS]);
    assert!(said.contains("is kept in the system's keyring"), "{said}");
    assert!(!file(&sealed).exists(), "it is in one place");
    assert!(token_line(&sealed, &[BUS]).contains("from the system's keyring"));
    let args = fs::read_to_string(sealed.path("home/args")).unwrap();
    assert!(
        args.contains("store --label=") && !args.contains(TOKEN),
        "{args}"
    );
    // Without a bus there is no keyring, and `secret-tool` would only fail late.
    assert!(token_line(&sealed, &[]).contains("none;"));
    // A keyring that takes nothing is not relied on.
    sealed.program("secret-tool", "exit 1");
    let said = login(&sealed, TOKEN, &[BUS]);
    assert!(said.contains("is kept in $TOP/home/.config"), "{said}");
    sealed.program("secret-tool", SECRET_TOOL);
    let gone = sealed.run_with(&[BUS], &["logout"]);
    assert!(gone.contains("the system's keyring and $TOP/"), "{gone}");
    assert!(!sealed.path("home/ring").exists() && !file(&sealed).exists());
}

#[test]
fn a_token_is_shown_to_no_other_host_than_its_own() {
    let sealed = Sealed::repository();
    login(&sealed, TOKEN, &[]);
    sealed.write(
        "autoissue.config.json",
        r#"{ "forge": { "apiUrl": "https://evil.example.com/api/v3" } }"#,
    );
    let line = token_line(&sealed, &[]);
    assert!(line.contains("none;"), "{line}");
    let said = login(&sealed, "own", &[]);
    assert!(said.contains("The token for evil.example.com"), "{said}");
    assert_eq!(fs::read_to_string(file(&sealed)).unwrap(), TOKEN);
}
