//! Is this word of a text the path of a file or a directory in a repository?

use std::borrow::Cow;

/// Longer words are no paths.
const LENGTH_MAX: usize = 255;

/// How a text shows a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Between other words.
    Bare,
    /// As code.
    Code,
}

/// The path that the word names, from the repository's root with `/`; a directory's ends in `/`. Positions
/// (`a.rs:12:3`, `a.rs#L4`, `a.py::test`), `./` and Windows separators are taken off, and a pattern names its directory.
/// `None` for what leads out of the repository, and for addresses, versions, abbreviations and products that only look
/// like files.
#[must_use]
pub fn path_of(word: &str, shown: Shown) -> Option<Cow<'_, str>> {
    let word = word
        .trim_matches(is_emphasis)
        .trim_end_matches(ends_sentence);
    let is_path_like = |byte: &u8| matches!(byte, b'/' | b'\\' | b'.' | b'=');
    if !word.as_bytes().iter().any(is_path_like) {
        // Most words of a text end here, so nothing dearer comes before.
        return is_name(word).then_some(Cow::Borrowed(word));
    }
    if word.len() > LENGTH_MAX {
        None
    } else if word.contains('\\') {
        let path = word.replace('\\', "/");
        path_in(&path, shown).map(|path| Cow::Owned(path.into_owned()))
    } else {
        path_in(word, shown)
    }
}

/// The extension of a path's last segment, as written; nothing for `.gitignore` and `Makefile`.
#[must_use]
pub fn extension(path: &str) -> &str {
    match name(path).rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    }
}

/// A path's last segment.
#[must_use]
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn is_emphasis(char: char) -> bool {
    matches!(char, '*' | '~')
}

fn ends_sentence(char: char) -> bool {
    matches!(char, '.' | ':' | '!' | '?')
}

/// Is it `Makefile` or the like? Those begin with a capital letter, but for one.
fn is_name(word: &str) -> bool {
    word.starts_with(|char: char| char.is_ascii_uppercase() || char == 'j')
        && is_one_of(&NAMES, word)
}

fn path_in(word: &str, shown: Shown) -> Option<Cow<'_, str>> {
    let path = without_position(word)?;
    let path = path.rsplit_once('=').map_or(path, |(_, value)| value);
    let path = directory_of_pattern(path);
    match path.strip_prefix('/') {
        Some(path) => rooted(path),
        None => relative(path.strip_prefix("./").unwrap_or(path), shown),
    }
}

/// `None` for an address or another word with a colon before anything but a position.
fn without_position(word: &str) -> Option<&str> {
    let word = word.split_once('#').map_or(word, |(path, _)| path);
    let Some((path, position)) = word.split_once(':') else {
        return Some(word);
    };
    let is_position = |char: char| char.is_ascii_digit() || char == ':';
    position.starts_with(is_position).then_some(path)
}

/// `src/*.rs` may be anything in `src/`.
fn directory_of_pattern(path: &str) -> &str {
    let Some(star) = path.find('*') else {
        return path;
    };
    path[..star].rfind('/').map_or("", |slash| &path[..=slash])
}

/// A path that begins with `/`, as some write it from the repository's root: only files, since addresses look the same.
fn rooted(path: &str) -> Option<Cow<'_, str>> {
    let is_inside = is_well_formed(path) && !is_one_of(&SYSTEM_ROOTS, first(path));
    (is_inside && is_file(path, Shown::Bare)).then_some(Cow::Borrowed(path))
}

fn relative(path: &str, shown: Shown) -> Option<Cow<'_, str>> {
    if let Some(directory) = path.strip_suffix('/') {
        let is_directory = directory.len() > 1
            && is_well_formed(directory)
            && !is_host(first(directory))
            && directory.contains(char::is_alphabetic);
        return is_directory.then_some(Cow::Borrowed(path));
    }
    if !is_well_formed(path) {
        return None;
    }
    if is_file(path, shown) {
        return Some(Cow::Borrowed(path));
    }
    is_bare_directory(path, shown).then(|| Cow::Owned(format!("{path}/")))
}

fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

fn is_well_formed(path: &str) -> bool {
    !path.starts_with(['$', '@', '-', '('])
        && !first(path).contains('@')
        && path.split('/').all(is_segment)
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.ends_with('.')
        && !segment.eq_ignore_ascii_case(".git")
        && segment
            .chars()
            .all(|char| char.is_alphanumeric() || is_path_mark(char))
}

fn is_path_mark(char: char) -> bool {
    matches!(
        char,
        '_' | '-' | '.' | '+' | '@' | '[' | ']' | '(' | ')' | '$'
    )
}

fn is_file(path: &str, shown: Shown) -> bool {
    ends_like_a_file(path, shown)
        || is_one_of(&NAMES, name(path))
        || name(path).starts_with("Dockerfile.")
}

fn ends_like_a_file(path: &str, shown: Shown) -> bool {
    let written = extension(path);
    let extension = in_lower_case(written);
    // `json` and `JSON` end file names, `Json` ends the name of a class.
    if written != extension && written.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return false;
    }
    let depth = path.bytes().filter(|byte| *byte == b'/').count();
    if depth < 2 && is_one_of(&PRODUCTS, &in_lower_case(name(path))) {
        return false;
    }
    let is_known = is_one_of(&EXTENSIONS, &extension);
    if depth == 0 || is_host(first(path)) {
        return is_known && depth == 0;
    }
    let is_at_home = shown == Shown::Code || is_one_of(&ROOTS, first(path));
    is_known
        || is_one_of(&SHY_EXTENSIONS, &extension)
        || is_at_home && is_plain_extension(name(path), &extension)
}

fn in_lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Could this be an extension that we do not know?
fn is_plain_extension(name: &str, extension: &str) -> bool {
    let stem = &name[..name.len() - extension.len()];
    (1..=10).contains(&extension.len())
        && extension != "git"
        && extension.chars().all(|char| char.is_ascii_alphanumeric())
        && extension.contains(char::is_alphabetic)
        && stem.contains(char::is_alphabetic)
}

/// A directory named without `/` at its end; `client/server` is none.
fn is_bare_directory(path: &str, shown: Shown) -> bool {
    let (root, below) = path.split_once('/').unwrap_or((path, ""));
    let is_root = match shown {
        Shown::Bare => is_one_of(&SURE_ROOTS, root),
        Shown::Code => is_one_of(&SURE_ROOTS, root) || is_one_of(&ROOTS, root),
    };
    is_root && !below.is_empty() && !name(below).contains('.')
}

/// `example.com` as the first part of an address.
fn is_host(segment: &str) -> bool {
    let ending = extension(segment);
    !ending.is_empty()
        && !segment.contains(|char: char| char.is_uppercase())
        && (is_one_of(&DOMAINS, ending) || is_one_of(&EXTENSIONS, ending))
}

fn is_one_of(sorted: &[&str], text: &str) -> bool {
    sorted.binary_search(&text).is_ok()
}

/// Extensions that make a file of a word without any directory.
#[rustfmt::skip]
const EXTENSIONS: [&str; 134] = [
    "adoc", "astro", "bash", "bat", "bazel", "blade", "bzl", "c", "cairo", "cc", "cfg", "cjs",
    "clj", "cljs", "cmake", "conf", "cpp", "cs", "cshtml", "csproj", "css", "csv", "cts", "cu",
    "cuh", "cxx", "dart", "dockerfile", "eex", "ejs", "elm", "erb", "erl", "ex", "exs", "fish",
    "fsproj", "fsx", "gemspec", "gif", "glsl", "go", "gql", "gradle", "graphql", "groovy", "h",
    "hbs", "hcl", "heex", "hh", "hpp", "hs", "htm", "html", "hxx", "ico", "ini", "ipynb", "j2",
    "java", "jinja", "jl", "jpeg", "jpg", "js", "json", "json5", "jsonc", "jsonl", "jsx", "kt",
    "kts", "less", "liquid", "lua", "md", "mdx", "mjs", "mts", "mustache", "nim", "nix", "njk",
    "php", "plist", "png", "prisma", "properties", "proto", "ps1", "pug", "py", "pyi", "pyx",
    "razor", "rb", "rs", "rst", "sass", "scala", "scss", "sh", "sln", "snap", "sol", "sql", "styl",
    "svelte", "svg", "swift", "tex", "tf", "tfvars", "tmpl", "toml", "tpl", "ts", "tsv", "tsx",
    "twig", "txt", "vb", "vhd", "vim", "vue", "webp", "wgsl", "xml", "xsd", "yaml", "yml", "zig",
    "zsh",
];

/// Extensions that are words, endings of domains or abbreviations as well: a directory has to stand before them.
#[rustfmt::skip]
const SHY_EXTENSIONS: [&str; 43] = [
    "asm", "cmd", "crt", "d", "db", "env", "example", "feature", "fs", "http", "in", "key", "local",
    "lock", "log", "m", "map", "mk", "ml", "mli", "mm", "mod", "move", "org", "pdf", "pem", "pl",
    "pm", "po", "pot", "r", "s", "sample", "service", "sum", "sv", "template", "ttf", "v", "wasm",
    "wat", "woff", "woff2",
];

/// Files without an extension, or with one that alone says nothing.
#[rustfmt::skip]
const NAMES: [&str; 62] = [
    ".babelrc", ".browserslistrc", ".clang-format", ".clang-tidy", ".coveragerc", ".dockerignore",
    ".editorconfig", ".env.example", ".env.sample", ".eslintignore", ".eslintrc", ".flake8",
    ".gitattributes", ".gitignore", ".gitmodules", ".htaccess", ".mailmap", ".node-version",
    ".npmignore", ".npmrc", ".nvmrc", ".prettierignore", ".prettierrc", ".pylintrc",
    ".python-version", ".rubocop.yml", ".ruby-version", ".stylelintrc", ".tool-versions",
    "Brewfile", "CMakeLists.txt", "CODEOWNERS", "Caddyfile", "Cargo.lock", "Containerfile",
    "Dockerfile", "Earthfile", "GNUmakefile", "Gemfile", "Gemfile.lock", "Jenkinsfile", "Justfile",
    "Makefile", "Pipfile", "Pipfile.lock", "Podfile", "Procfile", "Rakefile", "Taskfile",
    "Tiltfile", "Vagrantfile", "bun.lock", "composer.lock", "flake.lock", "go.mod", "go.sum",
    "go.work", "justfile", "poetry.lock", "requirements.in", "uv.lock", "yarn.lock",
];

/// Products and sites that are written like files.
#[rustfmt::skip]
const PRODUCTS: [&str; 55] = [
    "alpine.js", "angular.js", "asp.net", "astral.sh", "babylon.js", "backbone.js", "brew.sh",
    "bun.js", "bun.sh", "chart.js", "d3.js", "day.js", "deno.js", "discord.js", "docs.rs",
    "electron.js", "ember.js", "ethers.js", "express.js", "fabric.js", "gatsby.js", "hapi.js",
    "hls.js", "htmx.js", "java.sql", "java.xml", "jquery.js", "knockout.js", "koa.js", "leaflet.js",
    "meteor.js", "moment.js", "nest.js", "next.js", "nix.sh", "node.js", "nuxt.js",
    "p5.js", "pixi.js", "polymer.js", "preact.js", "react.js", "require.js", "rustup.sh",
    "socket.js", "solid.js", "svelte.js", "system.xml", "tensorflow.js", "three.js",
    "transformers.js", "underscore.js", "video.js", "vue.js", "web3.js",
];

/// First segments that sources usually stand under.
#[rustfmt::skip]
const ROOTS: [&str; 32] = [
    "app", "apps", "backend", "benches", "bin", "cmd", "components", "config", "core", "crates",
    "db", "docs", "examples", "frontend", "infra", "internal", "lib", "libs", "migrations",
    "modules", "packages", "pkg", "public", "scripts", "server", "services", "spec", "src", "test",
    "tests", "tools", "web",
];

/// First segments that nothing else is called.
#[rustfmt::skip]
const SURE_ROOTS: [&str; 5] = [
    ".circleci", ".github", "crates", "packages", "src",
];

/// First segments of paths on a machine, not in a repository.
#[rustfmt::skip]
const SYSTEM_ROOTS: [&str; 23] = [
    "Applications", "Library", "System", "Users", "Volumes", "bin", "boot", "dev", "etc", "home",
    "lib", "lib64", "mnt", "opt", "private", "proc", "root", "run", "sbin", "sys", "tmp", "usr",
    "var",
];

/// Endings of domains.
#[rustfmt::skip]
const DOMAINS: [&str; 55] = [
    "ai", "app", "at", "au", "be", "biz", "br", "ca", "ch", "cloud", "cn", "co", "com", "de", "dev",
    "edu", "es", "eu", "fi", "fr", "gov", "ie", "in", "info", "int", "io", "it", "jp", "kr", "land",
    "me", "mil", "net", "nl", "no", "nz", "org", "page", "pl", "pt", "pub", "ru", "se", "site",
    "so", "store", "tech", "test", "to", "top", "tv", "uk", "us", "wiki", "xyz",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shown: Shown, word: &str, expect: &str) {
        let found = path_of(word, shown).unwrap_or_default();
        assert_eq!(found, expect, "{word} shown {shown:?}");
    }

    #[test]
    fn files_of_any_language_are_paths() {
        for path in [
            "src/a/b.rs",
            "web/App.tsx",
            "main.go",
            "Foo.java",
            "a/b.erl",
            "lib/x.ex",
            "app/[id]/page.tsx",
            "app/(auth)/login/page.tsx",
            "routes/$id.tsx",
            ".github/workflows/ci.yml",
            "Cargo.toml",
            "Cargo.lock",
            "Dockerfile",
            "docker/Dockerfile.dev",
            "Makefile",
            ".gitignore",
            "README.md",
            "MyApp.Tests/UserTests.cs",
            "db/migrations/001.sql",
            "packages/@scope/x/index.ts",
            "src/routes/+page.svelte",
            "src/x.custom",
        ] {
            check(Shown::Bare, path, path);
            check(Shown::Code, path, path);
        }
    }

    #[test]
    fn what_stands_around_a_path_goes() {
        check(Shown::Bare, "foo.rs:12:3", "foo.rs");
        check(Shown::Bare, "src/a.rb:12:in", "src/a.rb");
        check(Shown::Bare, "tests/test_a.py::test_one", "tests/test_a.py");
        check(Shown::Bare, "src/a.rs#L10-L20", "src/a.rs");
        check(Shown::Bare, "./x.py", "x.py");
        check(Shown::Bare, "/src/a.rs.", "src/a.rs");
        check(Shown::Bare, "**src/a.rs**", "src/a.rs");
        check(Shown::Bare, "src\\win\\main.rs", "src/win/main.rs");
        check(Shown::Bare, "--config=conf/app.toml", "conf/app.toml");
    }

    #[test]
    fn directories_end_in_a_slash() {
        check(Shown::Bare, "a/b/", "a/b/");
        check(Shown::Bare, "src/", "src/");
        check(Shown::Bare, "src/api", "src/api/");
        check(Shown::Bare, "src/**/*.rs", "src/");
        check(Shown::Code, "server/routes", "server/routes/");
        check(Shown::Bare, "server/routes", "");
        check(Shown::Bare, "w/", "");
        check(Shown::Bare, "/api/users/", "");
    }

    #[test]
    fn what_only_looks_like_a_path_is_none() {
        for word in [
            "https://example.com/a/b.rs",
            "example.com",
            "example.com/a.html",
            "www.example.com/x.js",
            "docs.rs/serde/x.html",
            "github.com/o/r/blob/main/src/a.rs",
            "me@example.com",
            "me@host.rs",
            "1.2.3",
            "v1.2/v1.3",
            "e.g.",
            "i.e.",
            "node.js",
            "Next.js",
            "vercel/next.js",
            "and/or",
            "client/server",
            "owner/repo",
            "o/r.git",
            "text/html",
            "application/json",
            "24/7",
            "../../etc/passwd.txt",
            "src/../../x.rs",
            ".git/config",
            "a/.GIT/hooks/x.sh",
            "/etc/app.conf",
            "/home/me/src/a.rs",
            "~/.bashrc",
            "$HOME/x.sh",
            "C:\\src\\a.rs",
            "localhost:3030/api/x.json",
            "crate::rules::names",
            "System.Text.Json",
            ".rs",
            "*.rs",
            "a//b.rs",
            "obj.method",
            "...",
            "/",
            "//",
            "",
            ".",
            "..",
            "git@github.com:o/r.git",
            "-rf",
            "--flag.rs",
        ] {
            check(Shown::Bare, word, "");
            check(Shown::Code, word, "");
        }
    }

    #[test]
    fn tables_are_sorted() {
        for table in [
            &EXTENSIONS[..],
            &SHY_EXTENSIONS,
            &NAMES,
            &PRODUCTS,
            &ROOTS,
            &SURE_ROOTS,
            &SYSTEM_ROOTS,
            &DOMAINS,
        ] {
            assert!(table.is_sorted(), "{table:?}");
        }
    }
}
