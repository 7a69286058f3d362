//! `find` and `registry`: what the host knows, asked from the command line.

use std::fs;
use std::path::{Path, PathBuf};

use crate::contracts::check_documented;
use crate::program::{Run, command, run};

/// The library that cargo built of a fixture, beside this test program.
pub(crate) fn fixture(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    program.with_file_name(format!("libfixture_{name}.so"))
}

/// A folder with libraries of fixtures.
pub(crate) fn folder_with(fixtures: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in fixtures {
        fs::copy(fixture(name), folder.path().join(format!("lib{name}.so"))).expect("copied");
    }
    folder
}

#[track_caller]
fn check_run(run: &Run, code: i32, expected: &[&str]) {
    assert_eq!(run.code, Some(code), "{}\n{}", run.out, run.err);
    for expected in expected {
        assert!(
            run.out.contains(expected) || run.err.contains(expected),
            "{expected:?} is not in {}\n{}",
            run.out,
            run.err
        );
    }
}

#[track_caller]
fn check_find(arguments: &[&str], code: i32, expected: &[&str]) {
    let folder = folder_with(&["hello", "polyglot"]);
    let run = run(folder.path(), [&["find"], arguments].concat());
    check_run(&run, code, expected);
}

#[test]
fn find_names_what_is_taken_and_what_is_not() {
    check_find(
        &["org.example.greeter:en", "."],
        0,
        &[
            "org.example.greeter with key \"en\" is found",
            "org.example.hello 0.1.0",
            "is taken, with rank 5",
            "org.example.polyglot 0.1.0",
            "has the keys",
            "2 files, 2 plugins",
        ],
    );
}

#[test]
fn find_names_what_comes_near() {
    check_find(
        &["org.example.greeter:EN", "."],
        1,
        &["is not found", "has the key \"en\", which differs by case"],
    );
    check_find(
        &["org.example.greeter:EN", "--ignore-case", "."],
        0,
        &["is found"],
    );
    check_find(
        &["org.example.greeter", "--versions", "^7.2", "."],
        1,
        &["provides the interface in version 1.1; wanted is ^7.2"],
    );
    check_find(
        &["org.example.greeting", "."],
        1,
        &["provides org.example.greeter, which is another interface"],
    );
    check_find(
        &["org.example.greeter", "--metadata", "/language=en", "."],
        0,
        &["is found", "at \"/language\" of its metadata"],
    );
    check_find(
        &["com.example.nobody", "."],
        1,
        &["no plugin provides it, or an interface with a name like it"],
    );
}

#[test]
fn find_names_every_folder_and_what_is_not_used() {
    let folder = folder_with(&["hello"]);
    let place = |name: &str| folder.path().join(name);
    for name in ["other", "twice", "empty"] {
        fs::create_dir(place(name)).expect("made");
    }
    fs::copy(fixture("polyglot"), place("other/libpolyglot.so")).expect("copied");
    let bytes = fs::read(fixture("hello")).expect("readable");
    fs::write(place("other/libcut\noff.so"), b"\x7fELF").expect("written");
    fs::write(place("file"), "text").expect("written");
    let found = run(
        folder.path(),
        [
            "find",
            "org.example.greeter:en",
            ".",
            "other",
            "empty",
            "missing",
            "file",
        ],
    );
    check_run(
        &found,
        0,
        &[
            "/other\" (",
            "/empty\" (",
            ": 0 files, 0 plugins",
            "/missing\" (",
            ": cannot open ",
            "/file\" (",
            "not used\n",
            "libcut\\noff.so",
        ],
    );
    // The same id and version with other bytes: neither is taken, and both are told.
    let longer = [bytes.as_slice(), b"\0"].concat();
    fs::write(place("twice/libagain.so"), longer).expect("written");
    let refused = run(
        folder.path(),
        ["find", "org.example.greeter:en", ".", "twice"],
    );
    check_run(&refused, 1, &["is not found", "not used\n"]);
    for file in ["libhello.so", "libagain.so"] {
        assert!(refused.out.contains(file), "{file}: {}", refused.out);
    }
}

#[test]
fn find_tells_json() {
    let folder = folder_with(&["hello", "polyglot"]);
    fs::write(folder.path().join("libcut.so"), b"\x7fELF").expect("written");
    let arguments = [
        "find",
        "org.example.greeter:en",
        "--format",
        "json",
        ".",
        "missing",
    ];
    let run = run(folder.path(), arguments);
    check_run(&run, 0, &[]);
    let answer = run.json();
    check_documented(&answer);
    assert_eq!(answer["found"], true);
    assert_eq!(answer["candidates"][0]["outcome"], "taken");
    assert_eq!(answer["candidates"][0]["id"], "org.example.hello");
    assert_eq!(answer["candidates"][1]["outcome"], "key");
    assert_eq!(answer["folders"][0]["outcome"], "read");
    // It was named; only those of a convention may be missing.
    assert_eq!(answer["folders"][1]["outcome"], "refused");
    let refused = answer["refused"][0].as_str().expect("a text");
    assert!(refused.contains("libcut.so"), "{refused}");
}

#[track_caller]
fn check_usage(arguments: &[&str]) {
    let folder = folder_with(&[]);
    let run = run(folder.path(), arguments);
    check_run(&run, 2, &["Usage: plugwright"]);
    assert_eq!(run.out, "");
}

#[test]
fn a_question_without_a_place_is_not_understood() {
    check_usage(&["find", "org.example.greeter"]);
    check_usage(&["watch"]);
    check_usage(&["registry", "show"]);
    check_usage(&["registry", "verify", "--app", "press", "--file", "a"]);
    check_usage(&["registry", "export", "--app", "press"]);
}

/// An application `press` of a user who has nothing else.
struct User(tempfile::TempDir);

impl User {
    fn new() -> Self {
        let home = folder_with(&[]);
        let plugins = home.path().join("data/press/plugins");
        fs::create_dir_all(&plugins).expect("made");
        fs::copy(fixture("hello"), plugins.join("libhello.so")).expect("copied");
        fs::write(plugins.join("notes.txt"), "text").expect("written");
        Self(home)
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let home = self.0.path();
        let output = command(home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("HOME", home)
            .args(arguments)
            .output()
            .expect("the program starts");
        Run::from(output)
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], code: i32, expected: &[&str]) {
        check_run(&self.run(arguments), code, expected);
    }

    /// The registry, which is the only one there.
    #[track_caller]
    fn registry(&self) -> PathBuf {
        let files = fs::read_dir(self.0.path().join("cache/press")).expect("a folder");
        let mut files = files.map(|entry| entry.expect("readable").path());
        files
            .find(|path| is_registry(path))
            .expect("there is a registry")
    }
}

fn is_registry(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "registry")
}

#[test]
fn a_registry_is_made_shown_verified_and_cleared() {
    let user = User::new();
    for command in ["show", "verify"] {
        user.check(
            &["registry", command, "--app", "press"],
            1,
            &["there is none yet"],
        );
    }
    user.check(
        &["registry", "clear", "--app", "press"],
        0,
        &["was not there"],
    );
    user.check(
        &["find", "org.example.greeter", "--app", "press"],
        0,
        &["data/press/plugins\" (", ": is not there"],
    );
    user.check(&["registry", "verify", "--app", "press"], 0, &["is whole"]);
    let file = user.registry();
    let file = file.to_str().expect("text");
    user.check(&["registry", "verify", "--file", file], 0, &["is whole"]);
    user.check(
        &["registry", "show", "--app", "press"],
        0,
        &[
            "libhello.so",
            "org.example.hello 0.1.0",
            "en, english",
            "notes.txt",
            "is no library",
        ],
    );
    let shown = user.run(&["registry", "show", "--app", "press", "--format", "json"]);
    let shown = shown.json();
    check_documented(&shown);
    assert_eq!(
        shown["files"][0]["plugins"][0]["interfaces"][0]["keys"][1],
        "english"
    );
    user.check(
        &["registry", "clear", "--app", "press"],
        0,
        &["was removed"],
    );
    user.check(
        &["registry", "verify", "--app", "press"],
        1,
        &["there is none yet"],
    );
}

#[test]
fn the_name_of_an_application_leads_nowhere_else() {
    let user = User::new();
    for name in ["../press", "a/b", "/press", "..", "press/"] {
        let expected = &["without folders"];
        user.check(&["find", "org.example.greeter", "--app", name], 2, expected);
        user.check(&["registry", "clear", "--app", name], 2, expected);
    }
}

#[test]
fn a_registry_is_shipped() {
    let user = User::new();
    user.check(&["find", "org.example.greeter", "--app", "press"], 0, &[]);
    let export = |to| user.run(&["registry", "export", "--app", "press", to]);
    check_run(&export("data/press/shipped"), 0, &["was exported"]);
    // A copy tells of what lies below its own folder only.
    check_run(
        &export("cache/shipped"),
        1,
        &["none of its folders is below"],
    );
    check_run(&export("no/such/folder/shipped"), 1, &["its folder"]);
    user.check(&["registry", "clear", "--app", "press"], 0, &[]);
    let import = |from| user.run(&["registry", "import", "--app", "press", from]);
    check_run(&import("data/press/missing"), 1, &["there is none yet"]);
    check_run(&import("data/press/shipped"), 0, &["was written"]);
    user.check(&["registry", "verify", "--app", "press"], 0, &["is whole"]);
    user.check(
        &["registry", "show", "--app", "press"],
        0,
        &["org.example.hello 0.1.0"],
    );
}

#[test]
fn a_shipped_registry_is_signed() {
    let user = User::new();
    let shipped = user.0.path().join("data/press/shipped");
    let signature = user.0.path().join("data/press/shipped.minisig");
    let run = |line: &str| user.run(&line.split(' ').collect::<Vec<_>>());
    for name in ["release", "other"] {
        let made = run(&format!("key new {name} --without-passphrase"));
        check_run(&made, 0, &[]);
        let trusted = run(&format!(
            "key trust {name}.pub --name {name} --ids * --store {name}.keys"
        ));
        check_run(&trusted, 0, &[]);
    }
    check_run(&run("find org.example.greeter --app press"), 0, &[]);
    let import = |keys: &str, code, expected: &[&str]| {
        let line = format!("registry import --app press --keys {keys} data/press/shipped");
        check_run(&run(&line), code, expected);
    };
    let export = "registry export --app press data/press/shipped";
    check_run(&run(export), 0, &["was exported"]);
    import(
        "release.keys",
        1,
        &["signature.missing", "a signature by release"],
    );
    let signed = run(&format!("{export} --sign release.key"));
    check_run(&signed, 0, &["shipped.minisig", "was exported"]);
    import("release.keys", 0, &["was written"]);
    import("other.keys", 1, &["signature.unknown-key"]);
    import("missing.keys", 1, &["missing.keys"]);

    // Tampered with: the registry, then the signature.
    let (whole, good) = (
        fs::read(&shipped).expect("there"),
        fs::read(&signature).expect("there"),
    );
    let mut bytes = whole.clone();
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&shipped, bytes).expect("written");
    import("release.keys", 1, &["signature.forged", "somebody changed"]);
    fs::write(&shipped, &whole).expect("written");
    fs::write(&signature, "untrusted comment: none\n").expect("written");
    import("release.keys", 1, &["signature.malformed"]);
    fs::write(&signature, good).expect("written");
    import("release.keys", 0, &["was written"]);
    let revoked = run("key revoke release --reason stolen --store release.keys");
    check_run(&revoked, 0, &[]);
    import("release.keys", 1, &["signature.revoked", "stolen"]);

    // One signature for all that is shipped.
    fs::remove_file(&signature).expect("removed");
    check_run(
        &run("sign --key other.key data/press"),
        0,
        &["plugwright.bundle"],
    );
    import("other.keys", 0, &["was written"]);
    fs::write(&shipped, &whole[..whole.len() - 1]).expect("written");
    import("other.keys", 1, &["signature.not-listed"]);
    // A key that cannot be used signs nothing.
    let unsigned = run(&format!("{export} --sign release.pub"));
    check_run(&unsigned, 1, &["release.pub"]);
}

#[test]
fn a_damaged_registry_is_told_and_costs_nothing_but_time() {
    let user = User::new();
    let find = ["find", "org.example.greeter", "--app", "press"];
    user.check(&find, 0, &[]);
    let file = user.registry();
    let mut bytes = fs::read(&file).expect("readable");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    fs::write(&file, &bytes).expect("written");
    for command in ["show", "verify"] {
        user.check(
            &["registry", command, "--app", "press"],
            1,
            &["its bytes do not have the checksum that they say"],
        );
    }
    user.check(
        &["registry", "export", "--app", "press", "data/press/shipped"],
        1,
        &["checksum"],
    );
    user.check(&find, 0, &["is found"]);
    user.check(&["registry", "verify", "--app", "press"], 0, &["is whole"]);
    fs::write(&file, "text").expect("written");
    user.check(
        &["registry", "verify", "--app", "press"],
        1,
        &["it does not begin as a registry does"],
    );
}

#[test]
fn a_registry_that_cannot_be_written_is_told() {
    let user = User::new();
    // Also root writes nothing below a file.
    fs::write(user.0.path().join("cache"), "text").expect("written");
    let find = ["find", "org.example.greeter", "--app", "press"];
    user.check(&find, 0, &["is found"]);
    user.check(&["registry", "verify", "--app", "press"], 1, &["registry"]);
    let shipped = user.0.path().join("data/press/shipped");
    fs::remove_file(user.0.path().join("cache")).expect("removed");
    user.check(&find, 0, &[]);
    let to = shipped.to_str().expect("text");
    user.check(&["registry", "export", "--app", "press", to], 0, &[]);
    user.check(
        &[
            "registry",
            "import",
            "--file",
            "data/press/plugins/notes.txt/registry",
            to,
        ],
        1,
        &["it cannot be written"],
    );
    // A folder is not removed, nor replaced.
    for arguments in [
        &["registry", "clear", "--file", "data"][..],
        &["registry", "import", "--file", "data", to],
    ] {
        user.check(arguments, 1, &["the registry"]);
    }
    assert!(shipped.is_file());
}
