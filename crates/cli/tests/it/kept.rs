//! What `list` keeps between two runs: never to be seen in what it prints.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use plugwright_testkit::elf::ElfBuilder;
use tempfile::TempDir;

use crate::program::{self, Run};

/// A plugin of Qt 6 with the class `B`, the key `k` and a number that is no short decimal.
const QT: &[u8] =
    b"\x01\x06\x04\x01\xbf\x02\x61a\x03\x61B\x04\xa2\x64Keys\x81\x61k\x61n\xfb\x3f\xd5\x55\x55\x55\x55\x55\x55\xff";
/// More files than are read without a registry.
const FILES: usize = 70;

/// A tree of files, and a cache.
struct Case {
    place: TempDir,
}

impl Case {
    /// With everything that a listing tells: plugins of three systems, libraries, what is no library, what is damaged or
    /// cannot be opened, links, and names that nobody should choose.
    fn new() -> Self {
        let case = Self {
            place: tempfile::tempdir().expect("a folder"),
        };
        let tree = case.tree();
        fs::create_dir_all(tree.join("below")).expect("made");
        let test = std::env::current_exe().expect("a path");
        fs::copy(
            test.with_file_name("libfixture_hello.so"),
            tree.join("h.so"),
        )
        .expect("copied");
        let put = |name: &str, library: ElfBuilder| {
            fs::write(tree.join(name), library.build().bytes()).expect("written");
        };
        for number in 0..FILES {
            put(
                &format!("qt{number:02}.so"),
                ElfBuilder::x86_64().qt_note(QT),
            );
        }
        let gst = || ElfBuilder::x86_64().export("gst_plugin_tee_get_desc");
        put("gst.so", gst());
        put("below/gst.so", gst());
        put("plain.so", ElfBuilder::x86_64().export("nothing"));
        fs::write(tree.join("readme"), "text").expect("written");
        fs::write(tree.join("text.so"), "text").expect("written");
        fs::write(tree.join("empty.so"), "").expect("written");
        let whole = fs::read(tree.join("h.so")).expect("read");
        fs::write(tree.join("cut.so"), &whole[..whole.len() / 2]).expect("written");
        for name in [&b"line\nbreak.so"[..], b"\xff.so"] {
            fs::write(tree.join(std::ffi::OsStr::from_bytes(name)), &whole).expect("written");
        }
        fs::write(case.place.path().join("outside.so"), &whole).expect("written");
        symlink("../outside.so", tree.join("link.so")).expect("linked");
        symlink("nowhere", tree.join("dangling.so")).expect("linked");
        let fifo = tree.join("fifo.so");
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).expect("made");
        case.age();
        case
    }

    fn tree(&self) -> PathBuf {
        self.place.path().join("tree")
    }

    fn cache(&self) -> PathBuf {
        self.place.path().join("cache/plugwright")
    }

    /// Waits until a file of now counts as settled.
    fn age(&self) {
        let probe = self.place.path().join("probe");
        fs::write(&probe, "").expect("written");
        let written = fs::metadata(&probe).and_then(|probe| probe.modified());
        let written = written.expect("a time");
        while SystemTime::now() < written + Duration::from_millis(60) {
            std::thread::yield_now();
        }
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = program::command(&self.tree());
        command
            .arg("list")
            .args(arguments)
            .env("XDG_CACHE_HOME", self.place.path().join("cache"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::from(self.command(arguments).output().expect("it starts"))
    }

    /// A listing with what was kept, which is the one without. Returns what it printed.
    #[track_caller]
    fn check(&self, arguments: &[&str]) -> String {
        let with = self.run(arguments);
        let without = self.run(&[arguments, &["--no-registry"]].concat());
        assert_eq!(with.out, without.out, "{arguments:?}");
        assert_eq!((with.err, with.code), (without.err, without.code));
        with.out
    }

    /// The files that were kept, and when each was written.
    fn kept(&self) -> Vec<(PathBuf, SystemTime)> {
        let entries = fs::read_dir(self.cache()).into_iter().flatten().flatten();
        let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified());
        let mut kept: Vec<_> = entries
            .map(|entry| (entry.path(), written(&entry.path()).expect("a time")))
            .collect();
        kept.sort();
        kept
    }
}

#[test]
fn a_listing_is_the_same_with_a_registry_and_without() {
    let case = Case::new();
    for format in ["table", "json", "jsonl"] {
        for more in [
            &["--recursive"][..],
            &["--kind", "all"],
            &["--recursive", "--kind", "gstreamer"],
            &["--metadata", "/n=0.3333333333333333"],
            &["--problems"],
            &["--exclude", "gst*"],
            &["--threads", "3", "--key", "k"],
        ] {
            let arguments = [&["--format", format], more].concat();
            let first = case.check(&arguments);
            assert_eq!(case.check(&arguments), first, "{arguments:?}");
        }
    }
    let metadata = case.check(&["--metadata", "/n=0.3333333333333333"]);
    assert!(metadata.contains("70 plugins; "), "{metadata}");
    // One file for each set of files and each way to read; filters and formats share it.
    assert_eq!(case.kept().len(), 6, "{:?}", case.kept());
}

/// The kernel counts which files a second listing opens.
#[test]
#[expect(clippy::disallowed_methods, reason = "strace starts the program")]
fn what_is_kept_is_not_opened() {
    let case = Case::new();
    let count = || {
        let trace = case.place.path().join("trace");
        let output = std::process::Command::new("strace")
            // With the paths of descriptors: files are opened relative to their folder.
            .args(["-f", "-qq", "-y", "-o"])
            .arg(&trace)
            .arg(env!("CARGO_BIN_EXE_plugwright"))
            .arg("list")
            .arg(case.tree())
            .env("XDG_CACHE_HOME", case.place.path().join("cache"))
            .output();
        let trace = fs::read_to_string(trace).unwrap_or_default();
        let tree = case.tree();
        let places = [
            format!("{}/", tree.display()),
            format!("<{}>, \"", tree.display()),
        ];
        let calls = |name: &str| {
            let lines = trace.lines().filter(|line| {
                let mut places = places.iter();
                line.contains(name) && places.any(|place| line.contains(place))
            });
            lines.count()
        };
        output.ok().filter(|_| !trace.is_empty())?;
        Some((calls("openat("), calls("statx(")))
    };
    let (Some((opened, _)), Some((opened_again, asked))) = (count(), count()) else {
        return program::skipped("strace is not there, or may not trace");
    };
    assert!(opened > FILES, "{opened}");
    // What is no regular file, and the link that leads nowhere.
    assert_eq!(opened_again, 2, "of {opened}");
    assert!(asked > FILES, "{asked}");
}

#[test]
fn what_changes_is_noticed() {
    let case = Case::new();
    let first = case.check(&[]);
    let plain = ElfBuilder::x86_64().export("nothing").build().into_bytes();
    let target = case.tree().join("qt07.so");
    let whole = fs::read(&target).expect("read");

    // Overwritten in place with the same size, and the time of the change of contents set back.
    let times = fs::metadata(&target).and_then(|file| file.modified());
    let mut other = whole.clone();
    let class = other.windows(3).position(|bytes| bytes == b"\x03\x61B");
    other[class.expect("a class") + 2] = b'C';
    fs::write(&target, &other).expect("written");
    let file = File::options().write(true).open(&target).expect("opened");
    file.set_times(FileTimes::new().set_modified(times.expect("a time")))
        .expect("set");
    let changed = case.check(&[]);
    assert_ne!(changed, first);
    case.age();
    assert_eq!(case.check(&[]), changed);
    assert_eq!(case.check(&[]), changed);

    // Replaced, added, removed; a link that leads elsewhere.
    fs::write(case.tree().join("new"), &plain).expect("written");
    fs::rename(case.tree().join("new"), &target).expect("renamed");
    case.check(&[]);
    fs::write(case.tree().join("zz.so"), &whole).expect("written");
    case.age();
    let added = case.check(&[]);
    assert_eq!(case.check(&[]), added);
    assert!(added.contains("./zz.so"), "{added}");
    fs::remove_file(case.tree().join("zz.so")).expect("removed");
    assert!(!case.check(&[]).contains("./zz.so"));
    fs::write(case.place.path().join("other.so"), &plain).expect("written");
    fs::remove_file(case.tree().join("link.so")).expect("removed");
    symlink("../other.so", case.tree().join("link.so")).expect("linked");
    assert!(!case.check(&[]).contains("./link.so"));
    // A folder of another place under the name of the one that was.
    fs::rename(case.tree(), case.place.path().join("away")).expect("renamed");
    fs::create_dir(case.tree()).expect("made");
    for number in 0..FILES {
        let path = case.tree().join(format!("qt{number:02}.so"));
        fs::write(path, &plain).expect("written");
    }
    assert!(case.check(&[]).contains("0 plugins"));
}

#[test]
fn what_is_kept_is_written_once_and_nothing_is_kept_of_few_files() {
    let case = Case::new();
    case.run(&[]);
    let kept = case.kept();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let mode = fs::metadata(&kept[0].0)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    case.age();
    case.run(&["--format", "json"]);
    assert_eq!(case.kept(), kept, "nothing was new");
    case.run(&["below"]);
    case.run(&["--no-registry", "--recursive"]);
    assert_eq!(case.kept(), kept);
}

#[test]
fn only_the_registries_that_were_written_last_are_kept() {
    let case = Case::new();
    for number in 0..66 {
        case.run(&["--exclude", &format!("none{number}")]);
    }
    assert_eq!(case.kept().len(), 64);
}

#[test]
fn what_was_kept_may_be_damaged_or_somebody_elses() {
    let case = Case::new();
    let truth = case.check(&[]);
    let path = case.kept()[0].0.clone();
    let whole = fs::read(&path).expect("read");
    for at in (0..whole.len()).step_by(whole.len() / 23) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&path, &bytes).expect("written");
        assert_eq!(case.run(&[]).out, truth, "byte {at}");
        fs::write(&path, &whole[..at]).expect("written");
        assert_eq!(case.run(&[]).out, truth, "{at} bytes");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("set");
    assert_eq!(case.run(&[]).out, truth);
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("made");
    assert_eq!(case.run(&[]).out, truth);
}

/// No room, no folder, no permission, a file that must have no byte, a device without room.
#[test]
#[expect(clippy::disallowed_methods, reason = "limits are a process's own")]
fn a_cache_that_cannot_be_written_costs_speed_only() {
    let case = Case::new();
    let truth = case.run(&["--no-registry"]);
    let check = |what: &str, output: std::io::Result<std::process::Output>| {
        let run = Run::from(output.expect("it starts"));
        assert_eq!((&run.out, run.code), (&truth.out, truth.code), "{what}");
        assert_eq!(run.err, "", "{what}");
    };
    for cache in ["/dev/null", "/dev/full", "/proc/none"] {
        check(
            cache,
            case.command(&[]).env("XDG_CACHE_HOME", cache).output(),
        );
    }
    let limited = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\" | cat"])
        .arg(env!("CARGO_BIN_EXE_plugwright"))
        .arg("list")
        .current_dir(case.tree())
        .env("XDG_CACHE_HOME", case.place.path().join("cache"))
        .output();
    let out = limited.expect("a shell starts").stdout;
    assert_eq!(String::from_utf8_lossy(&out), truth.out);
    assert_eq!(case.kept(), [], "nothing is left of a write that failed");

    // A disk of 16 KiB, where this process may make one.
    let disk = case.place.path().join("disk");
    fs::create_dir(&disk).expect("made");
    let script = "mount -t tmpfs -o size=16k none \"$1\" || exit 77
        head -c 12288 /dev/zero > \"$1/taken\"
        cd \"$2\" && XDG_CACHE_HOME=\"$1\" \"$0\" list; code=$?
        test -n \"$(ls \"$1/plugwright\")\" && exit 78
        mount -o remount,ro \"$1\"
        XDG_CACHE_HOME=\"$1\" \"$0\" list > /dev/null; test $? = $code || exit 79
        exit $code";
    let full = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_plugwright"))
        .args([&disk, &case.tree()])
        .output();
    match full {
        Ok(output) if output.status.code() != Some(77) && !output.stdout.is_empty() => {
            check("a full disk", Ok(output));
        }
        _ => program::skipped("this user may not mount a disk"),
    }
}

#[test]
fn a_set_user_id_program_keeps_nothing() {
    let case = Case::new();
    let copy = case.place.path().join("plugwright");
    fs::copy(env!("CARGO_BIN_EXE_plugwright"), &copy).expect("copied");
    let run = || {
        let mut command = program::command_of(&copy, &case.tree());
        command.env("XDG_CACHE_HOME", case.place.path().join("cache"));
        Run::from(command.arg("list").output().expect("it starts"))
    };
    if chown(&copy, Some(65_534), None).is_err() {
        return program::skipped("only root can give a file to another user");
    }
    fs::set_permissions(&copy, Permissions::from_mode(0o4755)).expect("set");
    // The folder that it may write.
    fs::create_dir_all(case.cache()).expect("made");
    chown(case.cache(), Some(65_534), None).expect("root");
    for folder in [case.place.path(), &case.place.path().join("cache")] {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("set");
    }
    let privileged = run();
    assert_eq!(case.kept(), []);
    fs::set_permissions(&copy, Permissions::from_mode(0o755)).expect("set");
    assert_eq!(run().out, privileged.out);
    assert_eq!(case.kept().len(), 1, "without privileges it does keep it");
}
