//! `press` as its users run it, with the plugins of this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const CODECS: [&str; 4] = ["brotli", "gzip", "lz4", "zstd"];

/// A folder to work in, with a folder of plugins below it.
struct Workplace(TempDir);

impl Workplace {
    fn with(libraries: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::create_dir(place.path("plugins")).expect("a folder for plugins");
        for library in libraries {
            let name = format!(
                "{}{library}{}",
                std::env::consts::DLL_PREFIX,
                std::env::consts::DLL_SUFFIX
            );
            fs::copy(built(&name), place.path("plugins").join(name)).expect("a copy of a plugin");
        }
        place
    }

    fn with_all_codecs() -> Self {
        Self::with(
            &CODECS
                .map(|codec| format!("press_{codec}"))
                .each_ref()
                .map(String::as_str),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn press<const N: usize>(&self, arguments: [&str; N]) -> Output {
        self.command(arguments).output().expect("press starts")
    }

    /// `press` with this place's plugins as a script calls it: `"$0" "$@"`.
    #[cfg(unix)]
    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .current_dir(self.0.path())
            .args(["-c", script, env!("CARGO_BIN_EXE_press")])
            .args(["--plugins", "plugins"])
            .stdin(Stdio::null());
        command
    }

    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_press"));
        command
            .current_dir(self.0.path())
            .args(["--plugins", "plugins"])
            .args(arguments)
            .stdin(Stdio::null());
        command
    }
}

/// The library that cargo built because this crate depends on it, beside this test.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let path = test.with_file_name(name);
    assert!(
        path.is_file(),
        "{} is built as a dev-dependency",
        path.display()
    );
    path
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn check_succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn check_fails(output: &Output, expected: &[&str]) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for expected in expected {
        assert!(told.contains(expected), "`{expected}` is not in: {told}");
    }
}

#[test]
fn all_codecs_are_listed_by_key() {
    let place = Workplace::with_all_codecs();
    let listed = check_succeeds(&place.press(["list"]));
    for key in ["brotli, br", "gzip, gz", "lz4", "zstd, zst"] {
        assert!(
            listed
                .lines()
                .any(|line| line.starts_with(key) && line.contains(" 1.0 ")),
            "{key}: {listed}"
        );
    }
}

#[test]
fn what_was_compressed_comes_back_under_its_own_name() {
    let place = Workplace::with_all_codecs();
    for (input, level) in [
        (Vec::new(), "5"),
        (b"a".to_vec(), "1"),
        (vec![7; 300_000], "9"),
    ] {
        for codec in CODECS {
            fs::write(place.path("file"), &input).unwrap();
            check_succeeds(&place.press([
                "compress", "file", "--codec", codec, "--level", level, "--output", "packed",
            ]));
            fs::remove_file(place.path("file")).unwrap();
            check_succeeds(&place.press([
                "decompress",
                "packed",
                "--codec",
                codec,
                "--output",
                "file",
            ]));
            assert_eq!(fs::read(place.path("file")).unwrap(), input, "{codec}");
            fs::remove_file(place.path("packed")).unwrap();
        }
    }
}

#[test]
fn the_ending_names_the_codec() {
    let place = Workplace::with_all_codecs();
    for (codec, ending) in [
        ("brotli", "br"),
        ("gzip", "gz"),
        ("lz4", "lz4"),
        ("zstd", "zst"),
    ] {
        fs::write(place.path("file.txt"), codec).unwrap();
        check_succeeds(&place.press(["compress", "file.txt", "--codec", codec]));
        fs::remove_file(place.path("file.txt")).unwrap();
        check_succeeds(&place.press(["decompress", &format!("file.txt.{ending}")]));
        assert_eq!(fs::read_to_string(place.path("file.txt")).unwrap(), codec);
    }
}

#[test]
fn comparing_prints_a_row_for_each_codec() {
    let place = Workplace::with_all_codecs();
    fs::write(place.path("file"), vec![b'x'; 100_000]).unwrap();
    let table = check_succeeds(&place.press(["compare", "file"]));
    assert_eq!(table.lines().count(), 5, "{table}");
}

#[test]
fn damaged_input_is_an_error_of_the_codec() {
    let place = Workplace::with_all_codecs();
    fs::write(place.path("file"), vec![b'x'; 100_000]).unwrap();
    for (codec, ending) in [
        ("brotli", "br"),
        ("gzip", "gz"),
        ("lz4", "lz4"),
        ("zstd", "zst"),
    ] {
        check_succeeds(&place.press(["compress", "file", "--codec", codec]));
        let packed = fs::read(place.path(&format!("file.{ending}"))).unwrap();
        fs::write(
            place.path(&format!("cut.{ending}")),
            &packed[..packed.len() / 2],
        )
        .unwrap();
        check_fails(
            &place.press(["decompress", &format!("cut.{ending}")]),
            &["press: the input is damaged"],
        );
    }
}

#[test]
fn no_file_is_overwritten() {
    let place = Workplace::with_all_codecs();
    fs::write(place.path("file"), "new").unwrap();
    fs::write(place.path("file.gz"), "old").unwrap();
    check_fails(
        &place.press(["compress", "file", "--codec", "gzip"]),
        &["file.gz"],
    );
    assert_eq!(fs::read(place.path("file.gz")).unwrap(), b"old");
}

/// A file that cannot be written whole leaves nothing under its name, and no litter beside it.
#[cfg(unix)]
#[test]
fn no_half_file_is_left() {
    let place = Workplace::with(&["press_lz4"]);
    let library = place.path("plugins").join("libpress_lz4.so");
    // Room for the private copy of the codec, and not for the output.
    let room = fs::metadata(library).unwrap().len() + (1 << 20);
    let bytes = vec![0; usize::try_from(room).unwrap() + (1 << 20)];
    fs::write(place.path("file"), bytes).unwrap();
    check_succeeds(&place.press(["compress", "file", "--codec", "lz4"]));
    fs::remove_file(place.path("file")).unwrap();
    let output = place
        .shell(&format!(
            "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
            room / 512
        ))
        .args(["decompress", "file.lz4"])
        .output()
        .expect("a shell starts");
    check_fails(&output, &["press: file: "]);
    let mut names: Vec<_> = fs::read_dir(place.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["file.lz4", "plugins"]);
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_failure_and_a_full_disk_is_one() {
    let place = Workplace::with_all_codecs();
    // The pipe's reader is gone before the first line.
    let mut child = place
        .shell("read go; exec \"$0\" \"$@\"")
        .arg("list")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell starts");
    drop(child.stdout.take());
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );
    if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
        let output = place.command(["list"]).stdout(full).output().unwrap();
        check_fails(&output, &["press: "]);
    } else {
        eprintln!("NOT TESTED: there is no /dev/full here");
    }
}

#[cfg(unix)]
#[test]
fn the_name_of_a_file_does_not_act_on_the_terminal() {
    let place = Workplace::with(&["press_gzip"]);
    let plugins = place.path("plugins");
    let library = plugins.join("libpress_gzip.so");
    fs::rename(library, plugins.join("a\x1b[31m.so")).unwrap();
    let listed = check_succeeds(&place.press(["list"]));
    assert!(listed.contains("a\\u{1b}[31m.so"), "{listed:?}");
    assert!(!listed.contains('\x1b'), "{listed:?}");
}

#[test]
fn a_key_that_nobody_has_is_told_with_what_there_is() {
    let place = Workplace::with(&["press_gzip"]);
    fs::write(place.path("file"), "text").unwrap();
    check_fails(
        &place.press(["compress", "file", "--codec", "zip"]),
        &["\"zip\"", "org.plugwright.press.gzip"],
    );
}

#[test]
fn an_incompatible_codec_is_refused_before_its_constructor() {
    let place = Workplace::with(&["press_gzip", "fixture_next_codec"]);
    fs::write(place.path("file"), "text").unwrap();
    let mark = place.path("mark");
    let run = |arguments: [&str; 4]| {
        place
            .command(arguments)
            .env("PRESS_FIXTURE_MARK", &mark)
            .output()
            .expect("press starts")
    };
    check_fails(
        &run(["compress", "file", "--codec", "next"]),
        &["2.0", "1.0", "does not fit"],
    );
    assert!(
        run(["compress", "file", "--codec", "gzip"])
            .status
            .success(),
        "the other codec is not affected"
    );
    assert!(
        !Path::new(&mark).try_exists().unwrap(),
        "the refused plugin's constructor ran"
    );
    if cfg!(target_os = "linux") {
        // Without this, a constructor that never works would make the test pass.
        let library = built("libfixture_next_codec.so");
        check_succeeds(
            &place
                .command(["list"])
                .env("LD_PRELOAD", library)
                .env("PRESS_FIXTURE_MARK", &mark)
                .output()
                .expect("press starts"),
        );
        assert!(mark.is_file(), "the constructor does not work at all");
    }
}

/// An application that is unpacked anywhere: the program, its plugins beside it, and nothing else.
struct Unpacked {
    folder: TempDir,
    program: PathBuf,
}

impl Unpacked {
    /// The program at `program`, with the codec gzip in each of `plugins`.
    fn new(program: &str, plugins: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join(program);
        fs::create_dir_all(program.parent().expect("a folder")).expect("made");
        fs::copy(env!("CARGO_BIN_EXE_press"), &program).expect("a copy of the program");
        for plugins in plugins {
            let plugins = folder.path().join(plugins);
            fs::create_dir_all(&plugins).expect("made");
            let name = format!(
                "{}press_gzip{}",
                std::env::consts::DLL_PREFIX,
                std::env::consts::DLL_SUFFIX
            );
            fs::copy(built(&name), plugins.join(name)).expect("a copy of a plugin");
        }
        Self { folder, program }
    }

    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    fn run<const N: usize>(&self, program: &Path, arguments: [&str; N]) -> Output {
        Command::new(program)
            .args(arguments)
            .env_remove("PRESS_PLUGIN_PATH")
            .env("HOME", self.folder.path().join("home"))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("XDG_DATA_HOME", self.folder.path().join("home/data"))
            .env("XDG_CONFIG_HOME", self.folder.path().join("home/config"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("press starts")
    }
}

#[track_caller]
fn check_finds_gzip(place: &Unpacked, program: &Path) {
    let found = check_succeeds(&place.run(program, ["find", "GZ"]));
    assert!(found.contains("is found"), "{found}");
    assert_eq!(found.matches("is taken").count(), 1, "{found}");
}

#[test]
fn an_unpacked_archive_finds_the_plugins_beside_its_program() {
    let place = Unpacked::new("press-1.0/press", &["press-1.0/plugins"]);
    check_finds_gzip(&place, &place.program);
    // Also through a link in a folder of programs.
    #[cfg(unix)]
    {
        let link = place.folder.path().join("press");
        std::os::unix::fs::symlink(&place.program, &link).expect("linked");
        check_finds_gzip(&place, &link);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_distributions_package_finds_the_plugins_below_its_prefix() {
    let place = Unpacked::new("usr/bin/press", &["usr/lib/press/plugins"]);
    check_finds_gzip(&place, &place.program);
}

#[cfg(target_os = "linux")]
#[test]
fn a_users_own_plugins_are_found() {
    let place = Unpacked::new("bin/press", &["home/data/press/plugins"]);
    check_finds_gzip(&place, &place.program);
    let config = place.folder.path().join("home/config/press");
    fs::create_dir_all(&config).expect("made");
    fs::write(config.join("plugins.toml"), "folders = [\"own\"]").expect("written");
    let found = check_succeeds(&place.run(&place.program, ["find", "gz"]));
    assert!(found.contains("home/config/press/own\" (from "), "{found}");
}

#[test]
fn nothing_is_found_in_the_current_folder() {
    let place = Unpacked::new("bin/press", &["plugins", "."]);
    let found = check_succeeds(&place.run(&place.program, ["find", "gz"]));
    assert!(found.contains("is not found"), "{found}");
    assert!(
        found.contains("is not there"),
        "the folders are told: {found}"
    );
}

#[test]
fn a_second_start_takes_what_the_first_kept() {
    let place = Unpacked::new("press", &["plugins"]);
    check_finds_gzip(&place, &place.program);
    let cache = place.folder.path().join("cache/press");
    let kept: Vec<_> = fs::read_dir(&cache).expect("a folder").flatten().collect();
    assert_eq!(kept.len(), 1, "one registry in {}", cache.display());
    check_finds_gzip(&place, &place.program);
}
