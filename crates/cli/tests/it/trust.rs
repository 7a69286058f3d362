//! `verify`, `sign`, `key`, `lock` and `trust`: from a new key to a tampered plugin that is refused, and minisign's own program.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program::{Run, run};

/// A folder of an application: `plugins/` with one plugin in it.
fn application() -> TempDir {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let plugins = temp.path().join("plugins");
    fs::create_dir(&plugins).expect("made");
    fs::copy(fixture("hello"), plugins.join("libhello.so")).expect("copied");
    // What `verify` says under the preset for desktops must not depend on where temporary folders are.
    fs::write(
        temp.path().join("app.policy"),
        "version = 1\npreset = \"developer\"\nsignatures = \"required\"\n",
    )
    .expect("written");
    temp
}

fn fixture(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    program.with_file_name(format!("libfixture_{name}.so"))
}

#[track_caller]
fn good(folder: &Path, line: &str) -> Run {
    let run = run(folder, line.split(' '));
    assert_eq!(run.code, Some(0), "{line}: {}{}", run.out, run.err);
    run
}

#[track_caller]
fn bad(folder: &Path, line: &str, expected: &str) -> Run {
    let run = run(folder, line.split(' '));
    assert_eq!(run.code, Some(1), "{line}: {}{}", run.out, run.err);
    let said = format!("{}{}", run.out, run.err);
    assert!(said.contains(expected), "{line}: {said}");
    run
}

/// An application whose folder of plugins is signed with a key that is trusted.
fn signed() -> TempDir {
    let temp = application();
    good(temp.path(), "key new release --without-passphrase");
    good(
        temp.path(),
        "key trust release.pub --name release --ids org.example.*",
    );
    good(temp.path(), "sign --key release.key plugins");
    temp
}

const VERIFY: &str = "verify --policy app.policy --keys plugwright.keys --explain plugins";

#[test]
fn a_signed_folder_is_allowed_and_a_tampered_plugin_in_it_is_refused_with_advice() {
    let temp = signed();
    let run = good(temp.path(), VERIFY);
    for line in [
        "org.example.hello 0.1.0 allowed\n",
        "  signed    by \"release\" (",
        " over the bundle manifest (id:org.example.hello version:0.1.0)\n",
        "  loaded    in the host's process, from a private copy\n",
        "1 verdict, all allowed; files that are no libraries: 2\n",
    ] {
        assert!(run.out.contains(line), "{line}: {}", run.out);
    }
    let path = temp.path().join("plugins/libhello.so");
    let mut file = fs::File::options().append(true).open(path).expect("ours");
    file.write_all(b"tampered").expect("written");
    let run = bad(temp.path(), VERIFY, "signature.not-listed");
    for line in [
        "  signature.not-listed: the signature ",
        "    expected  the file's digest in the bundle manifest\n",
        "    weakness  CWE-349\n",
        "    what now  remove the file from the folder, or make and sign the bundle manifest anew\n",
    ] {
        assert!(run.out.contains(line), "{line}: {}", run.out);
    }
    let json = run_json(temp.path());
    assert_eq!(json[0]["allowed"], false);
    assert_eq!(json[0]["id"], "org.example.hello");
    assert_eq!(json[0]["reasons"][0]["code"], "signature.not-listed");
    assert_eq!(json[0]["reasons"][0]["cwe"], 349);
}

/// Who is killed while writing leaves what was written so far: it is no part of the next bundle, and no broken library.
#[test]
fn what_a_killed_signer_left_is_not_signed() {
    let temp = signed();
    let plugins = temp.path().join("plugins");
    for name in [
        "plugwright.bundle.4711.new",
        "plugwright.bundle.minisig.4711.new",
        "libhello.so.minisig.4711.new",
        "chapter.1.new",
    ] {
        fs::write(plugins.join(name), "half").expect("written");
    }
    good(temp.path(), "sign --key release.key plugins");
    let bundle = fs::read_to_string(plugins.join("plugwright.bundle")).expect("written");
    assert!(!bundle.contains("4711"), "{bundle}");
    assert!(bundle.contains("chapter.1.new"), "{bundle}");
    good(temp.path(), "list plugins");
    good(temp.path(), VERIFY);
}

fn run_json(folder: &Path) -> serde_json::Value {
    let line = "verify --policy app.policy --keys plugwright.keys --format json plugins";
    run(folder, line.split(' ')).json()
}

#[test]
fn a_revoked_key_speaks_for_nothing() {
    let temp = signed();
    let run = run(
        temp.path(),
        [
            "key",
            "revoke",
            "release",
            "--reason",
            "the laptop was stolen",
        ],
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let list = good(temp.path(), "key list").out;
    assert!(
        list.ends_with(" release signs org.example.*; revoked: the laptop was stolen\n"),
        "{list}"
    );
    bad(temp.path(), VERIFY, "revoked: the laptop was stolen");
}

#[test]
fn keys_are_not_written_over_and_not_trusted_twice() {
    let temp = signed();
    bad(
        temp.path(),
        "key new release --without-passphrase",
        "exists already; a key is never written over",
    );
    bad(
        temp.path(),
        "key trust release.pub --name other --ids *",
        "already",
    );
    bad(
        temp.path(),
        "key revoke nobody --reason x",
        "`plugwright key list` has all",
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let secret = fs::metadata(temp.path().join("release.key")).expect("there");
        assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn one_file_is_trusted_as_it_is_without_turning_the_check_off() {
    let temp = application();
    let verify = "verify --policy app.policy plugins";
    bad(temp.path(), verify, "signature.missing");
    let printed = good(temp.path(), "trust digest plugins/libhello.so").out;
    assert!(printed.starts_with("trusted = [\""), "{printed}");
    let trust = "trust digest plugins/libhello.so --policy app.policy";
    good(temp.path(), trust);
    good(temp.path(), verify);
    assert!(good(temp.path(), trust).out.contains("already"));
    fs::copy(fixture("marker"), temp.path().join("plugins/libother.so")).expect("copied");
    bad(temp.path(), verify, "org.example.marking 0.1.0 refused");
}

#[test]
fn a_lock_tells_every_difference_and_no_downgrade_slips_in() {
    let temp = signed();
    good(temp.path(), "lock --keys plugwright.keys plugins");
    let check = "lock --keys plugwright.keys --check plugins";
    assert_eq!(good(temp.path(), check).out, "1 plugin as locked\n");
    good(
        temp.path(),
        "verify --policy app.policy --keys plugwright.keys --lock plugwright.lock plugins",
    );
    let lock = temp.path().join("plugwright.lock");
    let text = fs::read_to_string(&lock).expect("written");
    let change = |from: &str, to: &str| fs::write(&lock, text.replace(from, to)).expect("written");
    change("version = \"0.1.0\"", "version = \"9.0.0\"");
    bad(
        temp.path(),
        check,
        "0.1.0 is there, which is older than the locked 9.0.0",
    );
    bad(temp.path(), "lock plugins", "say --allow-downgrade");
    good(temp.path(), "lock --allow-downgrade plugins");
    change("version = \"0.1.0\"", "version = \"0.0.1\"");
    bad(temp.path(), check, "which is not the locked 0.0.1");
    fs::write(&lock, &text).expect("written");
    bad(
        temp.path(),
        "lock --check plugins",
        "was signed by the key ",
    );
    fs::copy(fixture("marker"), temp.path().join("plugins/libother.so")).expect("copied");
    bad(
        temp.path(),
        check,
        "org.example.marking: 0.1.0 is there and not locked",
    );
    fs::remove_file(temp.path().join("plugins/libhello.so")).expect("removed");
    bad(
        temp.path(),
        check,
        "org.example.hello: 0.1.0 is locked and not there",
    );
    fs::remove_file(temp.path().join("plugins/libother.so")).expect("removed");
    bad(temp.path(), check, "there is no plugin, and \"");
}

#[test]
fn what_cannot_be_read_as_a_policy_is_told_with_its_place() {
    let temp = application();
    fs::write(
        temp.path().join("app.policy"),
        "version = 1\npreset = \"lax\"\n",
    )
    .expect("written");
    bad(
        temp.path(),
        "verify --policy app.policy plugins",
        "line 2, column 10: unknown variant `lax`",
    );
    bad(
        temp.path(),
        "verify --policy none.policy plugins",
        "there is no ",
    );
}

/// A library that a plugin brings along is judged as it is, and one that is missing is told.
#[test]
fn what_a_plugin_brings_in_is_judged_too() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let needed = plugwright_testkit::cc::shared(
        "libneeded.so.1",
        "int needed(void) { return 7; }",
        &[OsStr::new("-Wl,-soname,libneeded.so.1")],
    );
    let beside = needed.parent().expect("a folder").as_os_str();
    let plugin = plugwright_testkit::cc::shared(
        "libplugin.so",
        "extern int needed(void); int plugin(void) { return needed(); }",
        &[
            OsStr::new("-L"),
            beside,
            OsStr::new("-l:libneeded.so.1"),
            OsStr::new("-Wl,-rpath,$ORIGIN"),
        ],
    );
    fs::copy(plugin, temp.path().join("libplugin.so")).expect("copied");
    let verify = "verify --policy developer --explain libplugin.so";
    bad(
        temp.path(),
        verify,
        "needed.missing: libneeded.so.1, which ",
    );
    let path = temp.path().join("libneeded.so.1");
    fs::copy(&needed, &path).expect("copied");
    good(temp.path(), verify);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("ours");
        let run = bad(temp.path(), verify, "ownership.writable-file");
        assert!(run.out.contains("libneeded.so.1"), "{}", run.out);
    }
}

#[test]
fn hostile_names_are_escaped() {
    let temp = application();
    let name = "lib\u{1b}[31mred\n.so";
    let plugins = temp.path().join("plugins");
    fs::rename(plugins.join("libhello.so"), plugins.join(name)).expect("renamed");
    let run = bad(
        temp.path(),
        "verify --policy app.policy --explain plugins",
        "refused",
    );
    assert!(!run.out.contains('\u{1b}'), "{}", run.out);
    assert!(run.out.contains("lib\\u{1b}[31mred\\n.so"), "{}", run.out);
    good(temp.path(), "key new k --without-passphrase");
    let run = good(temp.path(), "sign --key k.key plugins");
    assert!(!run.out.contains('\u{1b}'), "{}", run.out);
}

/// Debian's `minisign`, unless it is missing where nobody demands it.
fn minisign(folder: &Path, arguments: &[&str], input: &str) -> Option<bool> {
    #[expect(clippy::disallowed_methods, reason = "the other program is started")]
    let child = Command::new("minisign")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        assert!(
            std::env::var_os("PLUGWRIGHT_REQUIRE_MINISIGN").is_none(),
            "the program minisign is required here and is not installed"
        );
        let note = "SKIPPED: the program minisign is not installed; its package has the same name";
        drop(writeln!(std::io::stderr(), "{note}"));
        return None;
    };
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("written");
    drop(stdin);
    Some(child.wait().expect("ended").success())
}

#[test]
fn what_this_program_signs_minisign_verifies() {
    let temp = signed();
    let verify = |file: &str| minisign(temp.path(), &["-Vm", file, "-p", "release.pub"], "");
    let Some(accepted) = verify("plugins/plugwright.bundle") else {
        return;
    };
    assert!(accepted, "the bundle manifest");
    good(
        temp.path(),
        "sign --key release.key --expires 2999-01-01 plugins/libhello.so",
    );
    assert_eq!(verify("plugins/libhello.so"), Some(true));
    let path = temp.path().join("plugins/libhello.so");
    let mut file = fs::File::options().append(true).open(path).expect("ours");
    file.write_all(b"tampered").expect("written");
    assert_eq!(verify("plugins/libhello.so"), Some(false), "the control");
}

#[test]
fn what_minisign_signs_this_program_accepts() {
    let temp = application();
    let made = minisign(
        temp.path(),
        &["-G", "-W", "-p", "theirs.pub", "-s", "theirs.key"],
        "",
    );
    if made.is_none() {
        return;
    }
    assert_eq!(made, Some(true));
    good(
        temp.path(),
        "key trust theirs.pub --name theirs --ids org.example.*",
    );
    let sign = ["-S", "-W", "-s", "theirs.key", "-m", "plugins/libhello.so"];
    assert_eq!(minisign(temp.path(), &sign, ""), Some(true));
    let run = good(temp.path(), VERIFY);
    assert!(run.out.contains("signed    by \"theirs\""), "{}", run.out);
    // With a comment of ours: id, version and expiry are what it says.
    let comment = "id:org.example.other version:0.1.0";
    let sign = [&sign[..], &["-t", comment]].concat();
    assert_eq!(minisign(temp.path(), &sign, ""), Some(true));
    bad(temp.path(), VERIFY, "signature.subject");
    // The older form, which signs no hash.
    let sign = ["-S", "-l", "-s", "theirs.key", "-m", "plugins/libhello.so"];
    assert_eq!(minisign(temp.path(), &sign, ""), Some(true));
    bad(temp.path(), VERIFY, "signature.legacy");
    // Their key signs for us, too.
    good(temp.path(), "sign --key theirs.key plugins/libhello.so");
    good(temp.path(), VERIFY);
}

#[test]
fn a_passphrase_is_understood_by_both() {
    let temp = application();
    fs::write(temp.path().join("passphrase"), "correct horse\n").expect("written");
    good(temp.path(), "key new ours --passphrase-file passphrase");
    let sign = "sign --key ours.key plugins/libhello.so --passphrase-file";
    good(temp.path(), &format!("{sign} passphrase"));
    fs::write(temp.path().join("wrong"), "battery staple\n").expect("written");
    bad(
        temp.path(),
        &format!("{sign} wrong"),
        "is not a secret key that can be used",
    );
    let theirs = ["-S", "-s", "ours.key", "-m", "plugins/libhello.so"];
    let signed = minisign(temp.path(), &theirs, "correct horse\n");
    if signed.is_some() {
        assert_eq!(signed, Some(true));
        let verify = ["-Vm", "plugins/libhello.so", "-p", "ours.pub"];
        assert_eq!(minisign(temp.path(), &verify, ""), Some(true));
    }
}
