//! What a host keeps from one start to the next: that it is true, cheap, and never in the way.

use std::collections::BTreeSet;
use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fixture_greeter::Greeter;
use plugwright_host::{Host, Key, Plugin, Registry, RegistryState, Seen, Status};

use crate::privileges::as_ordinary_user;
use crate::{Folder, fixture, permitted};

/// Folder and registry of one test.
struct Kept {
    folder: Folder,
    below: tempfile::TempDir,
}

impl Kept {
    fn with(fixtures: &[&str]) -> Self {
        let kept = Self {
            folder: Folder::with(fixtures),
            below: tempfile::tempdir().expect("a temporary folder"),
        };
        kept.age();
        kept
    }

    fn path(&self) -> PathBuf {
        self.below.path().join("cache/press/plugins.registry")
    }

    fn registry(&self) -> Registry {
        Registry::at(self.path())
    }

    fn host(&self) -> Host {
        self.folder.builder().registry(self.registry()).scan()
    }

    /// Waits, without a fixed time, until the clock has moved on so far that a file of now counts as settled: the
    /// change of an inode cannot be set back.
    fn age(&self) {
        age(self.below.path());
    }
}

pub(crate) fn age(below: &Path) {
    let probe = below.join("probe");
    fs::write(&probe, "").expect("written");
    let written = fs::metadata(&probe)
        .and_then(|probe| probe.modified())
        .expect("a time");
    while SystemTime::now() < written + Duration::from_millis(60) {
        std::thread::yield_now();
    }
}

fn ids(host: &Host) -> Vec<String> {
    host.plugins()
        .map(|plugin: Plugin| plugin.id().to_string())
        .collect()
}

#[track_caller]
fn check_written(host: &Host, why: &str) {
    match host.registry_state() {
        RegistryState::Written(said) => assert!(said.contains(why), "{said:?} has {why:?}"),
        other => panic!("expected a new registry for {why:?}, found {other:?}"),
    }
}

#[test]
fn a_second_start_reads_no_plugin() {
    let kept = Kept::with(&["hello", "bonjour", "polyglot"]);
    kept.folder.write("readme.txt", b"no library");
    kept.age();
    let first = kept.host();
    check_written(&first, "there is none yet");
    let second = kept.host();
    assert_eq!(second.registry_state(), RegistryState::Used);
    assert_eq!(ids(&first), ids(&second));
    assert_eq!(crate::outcomes(&first), crate::outcomes(&second));
    let greeter = second.create::<dyn Greeter>("en").expect("it fits");
    assert!(!greeter.greet("Ada").is_empty());
}

/// The number of system calls of a start, by name, counted by the kernel for a child.
#[test]
fn a_start_costs_one_stat_for_each_plugin() {
    let Ok(strace) = which("strace") else {
        return skipped("no strace");
    };
    let count = |files: usize| {
        let kept = Kept::with(&[]);
        let hello = fs::read(fixture("hello")).expect("readable");
        for index in 0..files {
            let mut bytes = hello.clone();
            bytes.extend_from_slice(&index.to_le_bytes());
            kept.folder.write(&format!("lib{index}.so"), &bytes);
        }
        kept.age();
        drop(kept.host());
        assert_eq!(kept.host().registry_state(), RegistryState::Used);
        let log = kept.below.path().join("calls");
        #[expect(
            clippy::disallowed_methods,
            reason = "the test is the parent of what is counted"
        )]
        let status = std::process::Command::new(&strace)
            .args(["-f", "-qq", "-o"])
            .arg(&log)
            .arg(std::env::current_exe().expect("this program"))
            .args(["--exact", "registry::warm_start_in_child", "--nocapture"])
            .env("PLUGWRIGHT_TEST_FOLDER", kept.folder.path())
            .env("PLUGWRIGHT_TEST_REGISTRY", kept.path())
            .stdout(std::process::Stdio::null())
            .status();
        if !status.is_ok_and(|status| status.success()) {
            return None;
        }
        let folder = kept.folder.path().canonicalize().expect("there");
        let log = fs::read_to_string(&log).expect("strace wrote it");
        // From the folder's listing to the end of it.
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("lib") || line.contains("getdents"))
            .collect();
        let in_folder = |name: &str| {
            lines
                .iter()
                .filter(|line| {
                    line.contains(name) && line.contains(".so\"") && !line.contains("/lib")
                })
                .count()
        };
        let opened = log
            .lines()
            .filter(|line| line.contains("openat") && line.contains(&folder.display().to_string()))
            .count();
        Some((
            in_folder("fstatat") + in_folder("statx"),
            in_folder("openat"),
            opened,
        ))
    };
    for files in [3, 200] {
        let Some((stats, files_opened, folders_opened)) = count(files) else {
            return skipped("strace may not trace");
        };
        assert_eq!(stats, files, "one stat for each plugin");
        assert_eq!(files_opened, 0, "no plugin is opened");
        assert_eq!(folders_opened, 1, "the folder is opened once");
    }
}

#[expect(clippy::print_stderr, reason = "a test that could not run says so")]
pub(crate) fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

pub(crate) fn which(name: &str) -> Result<PathBuf, ()> {
    let path = std::env::var_os("PATH").ok_or(())?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or(())
}

#[test]
fn warm_start_in_child() {
    if let Some(host) = child_host() {
        assert_eq!(host.registry_state(), RegistryState::Used);
    }
}

#[test]
fn what_changes_is_noticed() {
    let kept = Kept::with(&["hello"]);
    drop(kept.host());
    let path = kept.folder.join("libhello.so");
    let other = fs::read(fixture("bonjour")).expect("readable");

    // Overwritten in place: the same inode.
    fs::write(&path, &other).expect("written");
    kept.age();
    let host = kept.host();
    check_written(&host, "the folders changed");
    assert_eq!(ids(&host), ["org.example.bonjour"]);

    // In place, with size and time of the last change as they were: only the time of the inode tells.
    let times = fs::metadata(&path).expect("there");
    let mut damaged = other.clone();
    damaged[..4].copy_from_slice(b"none");
    fs::write(&path, &damaged).expect("written");
    let file = File::options().write(true).open(&path).expect("opened");
    file.set_times(FileTimes::new().set_modified(times.modified().expect("a time")))
        .expect("set");
    drop(file);
    kept.age();
    let host = kept.host();
    check_written(&host, "the folders changed");
    assert_eq!(ids(&host), [""; 0]);

    // Replaced by another inode.
    let beside = kept.folder.write("new", &other);
    fs::rename(&beside, &path).expect("renamed");
    kept.age();
    assert_eq!(ids(&kept.host()), ["org.example.bonjour"]);

    // Added, and removed.
    kept.folder.add("polyglot", "libpolyglot.so");
    kept.age();
    assert_eq!(
        ids(&kept.host()),
        ["org.example.bonjour", "org.example.polyglot"]
    );
    fs::remove_file(&path).expect("removed");
    let host = kept.host();
    check_written(&host, "the folders changed");
    assert_eq!(ids(&host), ["org.example.polyglot"]);
    assert_eq!(kept.host().registry_state(), RegistryState::Used);
}

#[test]
fn a_failure_is_kept_with_its_reason_until_its_file_changes() {
    let kept = Kept::with(&[]);
    let bytes = fs::read(fixture("hello")).expect("readable");
    let path = kept.folder.write("libhello.so", &bytes[..200]);
    kept.age();
    drop(kept.host());
    let entries = kept.registry().entries().expect("readable");
    assert_eq!(entries.len(), 1);
    assert!(
        entries[0].reason.contains("is damaged"),
        "{}",
        entries[0].reason
    );
    let host = kept.host();
    assert_eq!(host.registry_state(), RegistryState::Used);
    let seen: Vec<Seen> = host.seen();
    assert!(
        matches!(&seen[0].status, Status::Refused(refusal) if refusal.to_string() == entries[0].reason)
    );
    fs::write(&path, &bytes).expect("mended");
    kept.age();
    assert_eq!(ids(&kept.host()), ["org.example.hello"]);
}

#[test]
fn what_was_just_written_is_read_again() {
    let kept = Kept::with(&[]);
    kept.folder.add("hello", "libhello.so");
    // The file is as young as can be.
    let first = kept.host();
    if kept.registry().entries().expect("readable")[0].is_read_again {
        assert_ne!(first.registry_state(), RegistryState::Used);
        kept.age();
        // It has settled: read once more, and then never again.
        check_written(&kept.host(), "the folders changed");
    }
    assert_eq!(kept.host().registry_state(), RegistryState::Used);
}

#[test]
fn clocks_that_were_set_back_and_coarse_ones_are_not_trusted() {
    let kept = Kept::with(&["hello"]);
    let path = kept.folder.join("libhello.so");
    let file = File::options().write(true).open(&path).expect("opened");
    let later = SystemTime::now() + Duration::from_secs(3600);
    file.set_times(FileTimes::new().set_modified(later))
        .expect("set");
    kept.age();
    drop(kept.host());
    assert!(kept.registry().entries().expect("readable")[0].is_read_again);
    // It is read at each start, which is not worth writing each time.
    assert_eq!(kept.host().registry_state(), RegistryState::Used);
    fs::write(&path, fs::read(fixture("bonjour")).expect("readable")).expect("written");
    file.set_times(FileTimes::new().set_modified(later))
        .expect("set");
    assert_eq!(ids(&kept.host()), ["org.example.bonjour"]);
}

#[test]
fn every_flipped_byte_is_noticed() {
    let kept = Kept::with(&["hello"]);
    drop(kept.host());
    let good = fs::read(kept.path()).expect("readable");
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(kept.path(), &bytes).expect("written");
        assert!(kept.registry().verify().is_err(), "byte {at}");
    }
    let host = kept.host();
    check_written(&host, "checksum");
    assert_eq!(ids(&host), ["org.example.hello"]);
}

#[test]
fn every_length_but_the_whole_is_noticed() {
    let kept = Kept::with(&["hello"]);
    drop(kept.host());
    let good = fs::read(kept.path()).expect("readable");
    for length in 0..good.len() {
        fs::write(kept.path(), &good[..length]).expect("written");
        assert!(kept.registry().verify().is_err(), "{length} bytes");
    }
    fs::write(kept.path(), [good.as_slice(), b"more"].concat()).expect("written");
    assert!(kept.registry().verify().is_err());
    fs::write(kept.path(), &good).expect("written");
    assert!(kept.registry().verify().is_ok());
    assert_eq!(kept.host().registry_state(), RegistryState::Used);
}

#[test]
fn an_unknown_format_is_rebuilt() {
    let kept = Kept::with(&["hello"]);
    drop(kept.host());
    let mut bytes = fs::read(kept.path()).expect("readable");
    bytes[8] = 77;
    fs::write(kept.path(), &bytes).expect("written");
    check_written(&kept.host(), "its format is 77");
    assert_eq!(kept.host().registry_state(), RegistryState::Used);
}

#[test]
fn a_registry_that_cannot_be_written_costs_speed_only() {
    let kept = Kept::with(&["hello"]);
    fs::create_dir_all(kept.path()).expect("a folder in its place");
    let host = kept.host();
    assert!(
        matches!(host.registry_state(), RegistryState::NotWritten(..)),
        "{:?}",
        host.registry_state()
    );
    assert_eq!(ids(&host), ["org.example.hello"]);
    // A FIFO stays one.
    let fifo = kept.below.path().join("fifo");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .expect("made");
    let host = kept.folder.builder().registry(Registry::at(&fifo)).scan();
    assert!(matches!(
        host.registry_state(),
        RegistryState::NotWritten(..)
    ));
    assert!(!fs::symlink_metadata(&fifo).expect("there").is_file());
    // No folder can be made there, whoever asks.
    let unwritable = Registry::at("/proc/plugwright/plugins.registry");
    let host = kept.folder.builder().registry(unwritable).scan();
    assert!(matches!(
        host.registry_state(),
        RegistryState::NotWritten(..)
    ));
    assert_eq!(ids(&host), ["org.example.hello"]);
    let relative = Registry::at("plugins.registry");
    assert!(relative.verify().is_err());
}

/// A file can have no byte, as on a full disk: what was there stays, and nothing is left beside it.
#[test]
fn a_full_disk_costs_speed_only() {
    let kept = Kept::with(&["hello"]);
    drop(kept.host());
    let before = fs::read(kept.path()).expect("readable");
    kept.folder.add("bonjour", "libbonjour.so");
    kept.age();
    let child = in_child(&kept)
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "registry::full_disk_in_child", "--nocapture"])
        .output()
        .expect("a shell starts");
    assert!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stderr)
    );
    assert_eq!(fs::read(kept.path()).expect("readable"), before);
    let names = fs::read_dir(kept.path().parent().expect("a folder")).expect("readable");
    assert_eq!(names.count(), 1);
}

#[expect(clippy::disallowed_methods, reason = "limits are a process's own")]
fn in_child(kept: &Kept) -> std::process::Command {
    let mut command = std::process::Command::new("sh");
    command
        .env("PLUGWRIGHT_TEST_FOLDER", kept.folder.path())
        .env("PLUGWRIGHT_TEST_REGISTRY", kept.path());
    command
}

fn child_host() -> Option<Host> {
    let folder = std::env::var_os("PLUGWRIGHT_TEST_FOLDER")?;
    let registry = std::env::var_os("PLUGWRIGHT_TEST_REGISTRY")?;
    Some(
        Host::developer()
            .folder(folder)
            .registry(Registry::at(registry))
            .scan(),
    )
}

#[test]
fn full_disk_in_child() {
    if let Some(host) = child_host() {
        assert!(
            matches!(host.registry_state(), RegistryState::NotWritten(..)),
            "{:?}",
            host.registry_state()
        );
        assert_eq!(ids(&host), ["org.example.bonjour", "org.example.hello"]);
    }
}

#[test]
fn a_registry_that_others_can_write_is_not_believed() {
    let kept = Kept::with(&["hello"]);
    drop(kept.host());
    fs::set_permissions(kept.path(), Permissions::from_mode(0o666)).expect("set");
    check_written(&kept.host(), "others than this user");
    let mode = fs::metadata(kept.path())
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "the new one is the user's alone");
    // A link would be somebody's choice, too.
    let real = kept.below.path().join("real");
    fs::rename(kept.path(), &real).expect("renamed");
    symlink(&real, kept.path()).expect("linked");
    check_written(&kept.host(), "cannot be read");
    assert!(fs::symlink_metadata(kept.path()).expect("there").is_file());
}

#[test]
fn clearing_removes_it() {
    let kept = Kept::with(&["hello"]);
    drop(kept.host());
    assert!(kept.registry().clear().expect("removable"));
    assert!(!kept.registry().clear().expect("nothing to do"));
    check_written(&kept.host(), "there is none yet");
}

#[test]
fn nothing_but_a_registry_is_removed_or_written_over() {
    let kept = Kept::with(&["hello"]);
    drop(kept.host());
    let shipped = kept.folder.path().join("shipped");
    kept.registry().export(&shipped).expect("exported");
    let other = kept.folder.path().join("libhello.so");
    let bytes = fs::read(&other).expect("readable");
    let mistyped = Registry::at(&other);
    let exported = kept.registry().export(&other);
    for done in [
        mistyped.clear().map(drop),
        mistyped.import(&shipped),
        exported,
    ] {
        let error = done.expect_err("refused").to_string();
        assert!(error.contains("another kind of file"), "{error}");
        assert_eq!(fs::read(&other).expect("still there"), bytes);
    }
}

/// What lies is found out when the plugin is loaded: a registry is never an input to the verdict.
#[test]
fn a_registry_that_lies_changes_no_verdict() {
    let kept = Kept::with(&["hello"]);
    let host = kept.host();
    // The host believes its scan; the file is another one by the time of the load.
    kept.folder.add("bonjour", "libhello.so");
    let error = host
        .create::<dyn Greeter>("en")
        .expect_err("the bytes are read anew");
    assert!(
        error.to_string().contains("says something else of itself"),
        "{error}"
    );
}

#[test]
fn an_exported_registry_moves_with_its_application() {
    let build = tempfile::tempdir().expect("a folder");
    let target = tempfile::tempdir().expect("a folder");
    let caches = tempfile::tempdir().expect("a folder");
    let plugins = build.path().join("app/plugins");
    fs::create_dir_all(&plugins).expect("made");
    fs::copy(fixture("hello"), plugins.join("libhello.so")).expect("copied");
    fs::write(plugins.join("notes.txt"), "text").expect("written");
    age(build.path());
    let own = Registry::at(build.path().join("own.registry"));
    drop(
        Host::developer()
            .folder(&plugins)
            .registry(own.clone())
            .scan(),
    );
    let shipped = build.path().join("app/plugins.registry");
    own.export(&shipped).expect("exported");

    // As an archive is unpacked: other inodes, the same times.
    let app = target.path().join("elsewhere");
    fs::create_dir_all(app.join("plugins")).expect("made");
    for name in [
        "plugins/libhello.so",
        "plugins/notes.txt",
        "plugins.registry",
    ] {
        let (from, to) = (build.path().join("app").join(name), app.join(name));
        fs::copy(&from, &to).expect("copied");
        let times = fs::metadata(&from)
            .and_then(|from| from.modified())
            .expect("a time");
        let file = File::options().write(true).open(&to).expect("opened");
        file.set_times(FileTimes::new().set_modified(times))
            .expect("set");
    }
    age(target.path());
    let user = Registry::at(caches.path().join("user.registry"));
    let start = |registry: Registry| {
        permitted(Host::developer())
            .folder(app.join("plugins"))
            .registry(registry)
            .scan()
    };
    let host = start(user.clone().with_shipped(app.join("plugins.registry")));
    assert_eq!(
        host.registry_state(),
        RegistryState::Used,
        "the shipped one holds"
    );
    assert_eq!(ids(&host), ["org.example.hello"]);
    assert!(host.create::<dyn Greeter>("en").is_ok());

    user.import(&app.join("plugins.registry"))
        .expect("imported");
    assert_eq!(start(user.clone()).registry_state(), RegistryState::Used);

    // A plugin that is not the one that was shipped is read.
    fs::copy(fixture("bonjour"), app.join("plugins/libhello.so")).expect("copied");
    age(target.path());
    user.import(&app.join("plugins.registry"))
        .expect("imported");
    let host = start(user);
    check_written(&host, "the folders changed");
    assert_eq!(ids(&host), ["org.example.bonjour"]);

    let outside = own
        .export(&target.path().join("no.registry"))
        .expect_err("no folder is below");
    assert!(
        outside.to_string().contains("none of its folders is below"),
        "{outside}"
    );
}

/// A registry that came with the application counts only as it was signed, and everything is found all the same.
#[test]
fn a_shipped_registry_is_taken_as_it_was_signed_or_not_at_all() {
    let place = tempfile::tempdir().expect("a folder");
    let caches = tempfile::tempdir().expect("a folder");
    let plugins = place.path().join("plugins");
    fs::create_dir(&plugins).expect("made");
    fs::copy(fixture("hello"), plugins.join("libhello.so")).expect("copied");
    age(place.path());
    let own = Registry::at(caches.path().join("build.registry"));
    let host = |registry: Registry| Host::developer().folder(&plugins).registry(registry).scan();
    drop(host(own.clone()));
    let shipped = place.path().join("plugins.registry");
    own.export(&shipped).expect("exported");
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("a key");
    let bytes = fs::read(&shipped).expect("there");
    let signature = minisign::sign(None, &pair.sk, io::Cursor::new(&bytes), None, None);
    let beside = place.path().join("plugins.registry.minisig");
    fs::write(&beside, signature.expect("signed").to_string()).expect("written");
    let public = pair.pk.to_base64().parse().expect("minisign's form");
    let everything: plugwright_trust::IdPattern = "*".parse().expect("a pattern");
    let key = Key::new("build", public, [everything]);

    let start = |number: u32, keys: Vec<Key>| {
        let path = caches.path().join(format!("{number}.registry"));
        let registry = Registry::at(path).with_shipped(&shipped).with_signers(keys);
        let host = host(registry);
        assert_eq!(ids(&host), ["org.example.hello"]);
        host
    };
    let good = start(0, vec![key.clone()]);
    assert_eq!(good.registry_state(), RegistryState::Used);
    check_written(&start(1, Vec::new()), "signature.unknown-key");
    for at in (0..bytes.len()).step_by(bytes.len() / 7) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 4;
        fs::write(&shipped, bytes).expect("written");
        check_written(&start(2, vec![key.clone()]), "signature.forged");
        fs::remove_file(caches.path().join("2.registry")).expect("there");
    }
    fs::write(&shipped, &bytes).expect("written");
    fs::remove_file(&beside).expect("there");
    check_written(&start(3, vec![key]), "signature.missing");
}

#[test]
fn ten_thousand_plugins_with_one_id() {
    let kept = Kept::with(&[]);
    let hello = fs::read(fixture("hello")).expect("readable");
    // Sparse, so that it takes no room: what differs lies behind the end of the library.
    let first = kept.folder.write("0.so", &hello);
    for index in 1..10_000 {
        let path = kept.folder.join(&format!("{index}.so"));
        if index % 4000 == 0 {
            let mut bytes = hello.clone();
            bytes.push(0);
            fs::write(&path, bytes).expect("written");
        } else {
            fs::hard_link(&first, &path).expect("linked");
        }
    }
    kept.age();
    let host = kept.host();
    assert_eq!(ids(&host), [""; 0], "bytes differ: all are refused");
    assert_eq!(host.seen().len(), 10_000);
    assert!(host.create::<dyn Greeter>("en").is_err());
    assert_eq!(kept.host().registry_state(), RegistryState::Used);
}

#[test]
fn names_may_have_any_bytes() {
    let kept = Kept::with(&["hello"]);
    let names: [&[u8]; 3] = [b"line\nbreak.so", b"\xff\xfe.so", b"\x1b[2J.so"];
    for (name, fixture_name) in names.iter().zip(["bonjour", "polyglot", "marker"]) {
        let path = kept.folder.path().join(std::ffi::OsStr::from_bytes(name));
        fs::copy(fixture(fixture_name), path).expect("copied");
    }
    kept.age();
    let first = kept.host();
    let second = kept.host();
    assert_eq!(second.registry_state(), RegistryState::Used);
    let origins = |host: &Host| {
        host.plugins()
            .map(|plugin| plugin.origin())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(origins(&first), origins(&second));
    assert_eq!(origins(&second).len(), 4);
    for seen in second.seen() {
        assert!(
            !seen.origin.to_string().contains(['\n', '\x1b']),
            "{}",
            seen.origin
        );
    }
}

#[test]
fn loops_of_links_are_reported() {
    let kept = Kept::with(&["hello"]);
    symlink(kept.folder.join("b.so"), kept.folder.join("a.so")).expect("linked");
    symlink(kept.folder.join("a.so"), kept.folder.join("b.so")).expect("linked");
    symlink(kept.folder.path(), kept.folder.join("here")).expect("linked");
    kept.age();
    let host = kept.host();
    assert_eq!(ids(&host), ["org.example.hello"]);
    assert_eq!(host.seen().len(), 4);
    assert_eq!(kept.host().registry_state(), RegistryState::Used);

    let circle = kept.below.path().join("circle");
    symlink(&circle, &circle).expect("linked");
    let host = kept
        .folder
        .builder()
        .folder(&circle)
        .registry(kept.registry())
        .scan();
    assert_eq!(ids(&host), ["org.example.hello"]);
    assert!(
        host.seen()
            .iter()
            .any(|seen| seen.origin.path() == Some(&circle))
    );
}

#[test]
fn folders_without_permission_are_reported() {
    let test = "registry::folders_without_permission_are_reported";
    as_ordinary_user(test, &["hello", "bonjour"], check_permissions);
}

fn check_permissions() {
    let kept = Kept::with(&["hello"]);
    let closed = kept.below.path().join("closed");
    fs::create_dir(&closed).expect("made");
    fs::copy(fixture("bonjour"), closed.join("libbonjour.so")).expect("copied");
    kept.age();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
    };
    let start = || {
        let builder = kept.folder.builder().folder(&closed);
        builder.registry(kept.registry()).scan()
    };
    let refused = |host: &Host| -> Vec<String> {
        let seen = host.seen();
        let refused = seen.iter().filter_map(|seen| match &seen.status {
            Status::Refused(refusal) => Some(refusal.to_string()),
            _ => None,
        });
        refused.collect()
    };
    // May not be listed; may be listed and not entered.
    for (bits, what) in [
        (0o000, "closed\""),
        (0o311, "closed\""),
        (0o444, "libbonjour.so"),
    ] {
        mode(&closed, bits);
        for _ in 0..2 {
            let host = start();
            assert_eq!(ids(&host), ["org.example.hello"], "{bits:o}");
            let refused = refused(&host);
            assert_eq!(refused.len(), 1, "{bits:o}: {refused:?}");
            let is_told = |why| refused[0].contains(what) && refused[0].contains(why);
            let told = is_told("Permission denied") || is_told("this user may not");
            assert!(told, "{bits:o}: {refused:?}");
        }
    }
    // The permission comes back, and nothing else changed.
    mode(&closed, 0o755);
    let host = start();
    assert_eq!(ids(&host), ["org.example.hello", "org.example.bonjour"]);
    assert!(refused(&host).is_empty());
    drop(start());
    assert_eq!(start().registry_state(), RegistryState::Used);

    // A registry that may not be read is replaced; a folder that may not be written costs speed only.
    mode(&kept.path(), 0o000);
    check_written(&start(), "it may not be read");
    let caches = kept.below.path().join("cache/press");
    mode(&caches, 0o555);
    assert_eq!(start().registry_state(), RegistryState::Used);
    kept.folder.add("bonjour", "another.so");
    let host = start();
    let state = host.registry_state();
    assert!(matches!(state, RegistryState::NotWritten(..)), "{state:?}");
    assert_eq!(ids(&host).len(), 2);
    mode(&caches, 0o755);
}

/// A folder that comes, goes, fills and empties while hosts look: no panic, and in the end the truth.
#[test]
fn a_folder_may_change_during_a_scan() {
    let kept = Arc::new(Kept::with(&["hello"]));
    let sub = kept.folder.join("sub");
    let changing = {
        let sub = sub.clone();
        std::thread::spawn(move || {
            for round in 0..40 {
                fs::create_dir_all(&sub)?;
                for index in 0..20 {
                    fs::copy(fixture("bonjour"), sub.join(format!("{round}-{index}.so")))?;
                }
                fs::remove_dir_all(&sub)?;
            }
            Ok::<(), io::Error>(())
        })
    };
    let host = kept
        .folder
        .builder()
        .folder(&sub)
        .registry(kept.registry())
        .scan();
    while !changing.is_finished() {
        let again = kept
            .folder
            .builder()
            .folder(&sub)
            .registry(kept.registry())
            .scan();
        assert!(ids(&again).contains(&"org.example.hello".to_owned()));
        host.refresh();
    }
    changing
        .join()
        .expect("no panic")
        .expect("the folder could be changed");
    host.refresh();
    assert_eq!(ids(&host), ["org.example.hello"]);
    assert_eq!(host.refresh().len(), 0);
}
