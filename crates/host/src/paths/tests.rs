use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// A process with this environment, whose program is `/opt/press/bin/press`.
fn process_with(variables: &[(&str, &str)], is_privileged: bool, check: impl FnOnce(&Process<'_>)) {
    let variables: HashMap<&str, OsString> = variables
        .iter()
        .map(|(name, value)| (*name, OsString::from(value)))
        .collect();
    check(&Process {
        variable: &|name| variables.get(name).cloned(),
        program: Some("/opt/press/bin/press".into()),
        is_privileged,
    });
}

fn lines(paths: &SearchPaths) -> Vec<String> {
    let line = |entry: &SearchPath| format!("{} {}", entry.folder().display(), entry.origin());
    let remarks = paths.remarks().iter().map(ToString::to_string);
    paths.entries().iter().map(line).chain(remarks).collect()
}

#[track_caller]
fn check(
    convention: Convention,
    variables: &[(&str, &str)],
    is_privileged: bool,
    expected: &[&str],
) {
    process_with(variables, is_privileged, |process| {
        let paths = SearchPaths::standard_in("press", convention, process);
        assert_eq!(lines(&paths), expected);
    });
}

#[test]
fn unix_has_folders_by_xdg() {
    let of_processor = format!(
        "/usr/lib/{}-linux-gnu/press/plugins the system's",
        env::consts::ARCH
    );
    check(
        Convention::Xdg,
        &[
            ("HOME", "/home/u"),
            ("PRESS_PLUGIN_PATH", "/a:relative::/b:/a"),
        ],
        false,
        &[
            "/a from PRESS_PLUGIN_PATH",
            "/b from PRESS_PLUGIN_PATH",
            "/opt/press/bin/plugins the program's own",
            "/opt/press/lib/press/plugins the program's own",
            "/home/u/.local/share/press/plugins the user's",
            "/usr/local/lib/press/plugins the system's",
            &of_processor,
            "/usr/lib/press/plugins the system's",
            "PRESS_PLUGIN_PATH: the folder \"relative\" is relative and passed over; name it from the root",
        ],
    );
    process_with(
        &[("XDG_DATA_HOME", "/data"), ("HOME", "/h")],
        false,
        |process| {
            let own = Convention::Xdg.user("press", process);
            assert_eq!(own, Some("/data/press/plugins".into()));
        },
    );
    process_with(
        &[("XDG_DATA_HOME", "data"), ("HOME", "/h")],
        false,
        |process| {
            let own = Convention::Xdg.user("press", process);
            assert_eq!(
                own,
                Some("/h/.local/share/press/plugins".into()),
                "relative ones count as unset"
            );
        },
    );
}

#[test]
fn apple_has_folders_in_the_bundle_and_the_library() {
    check(
        Convention::Apple,
        &[("HOME", "/u")],
        false,
        &[
            "/opt/press/PlugIns the program's own",
            "/opt/press/bin/plugins the program's own",
            "/u/Library/Application Support/press/PlugIns the user's",
            "/Library/Application Support/press/PlugIns the system's",
        ],
    );
}

#[test]
fn windows_has_folders_in_its_application_data() {
    process_with(
        &[("APPDATA", "C:\\Users\\u\\AppData\\Roaming")],
        false,
        |process| {
            let user = Convention::Windows.user("press", process);
            let expected = Path::new("C:\\Users\\u\\AppData\\Roaming")
                .join("press")
                .join("plugins");
            assert_eq!(user, Some(expected));
            assert_eq!(
                Convention::Windows.program("press", process),
                [Path::new("/opt/press/bin/plugins")]
            );
        },
    );
}

#[test]
fn privileges_silence_the_environment_and_that_is_said() {
    let of_processor = format!(
        "/usr/lib/{}-linux-gnu/press/plugins the system's",
        env::consts::ARCH
    );
    check(
        Convention::Xdg,
        &[
            ("HOME", "/home/u"),
            ("PRESS_PLUGIN_PATH", "/a"),
            ("XDG_CONFIG_HOME", "/evil"),
        ],
        true,
        &[
            "/opt/press/bin/plugins the program's own",
            "/opt/press/lib/press/plugins the program's own",
            "/usr/local/lib/press/plugins the system's",
            &of_processor,
            "/usr/lib/press/plugins the system's",
            "PRESS_PLUGIN_PATH: ignored, since this program runs with privileges that its caller does not have",
            "the user's folders of press: ignored, since this program runs with privileges that its caller does \
             not have",
        ],
    );
}

#[test]
fn variables_are_named_after_the_application() {
    assert_eq!(variable_of("press"), "PRESS_PLUGIN_PATH");
    assert_eq!(variable_of("my-app.2"), "MY_APP_2_PLUGIN_PATH");
}

fn variable_of(app: &str) -> String {
    conventions::variable(app)
}

#[test]
fn folders_are_added_in_front_removed_set_and_listed() {
    let mut paths = SearchPaths::new()
        .with_folder("/b")
        .with_folder("/c")
        .with_folder("/b");
    paths.add("/a");
    assert_eq!(
        lines(&paths),
        ["/a", "/b", "/c"].map(|folder| format!("{folder} given by the application"))
    );
    paths.add("/c");
    assert_eq!(
        paths.list().collect::<Vec<_>>(),
        [Path::new("/c"), "/a".as_ref(), "/b".as_ref()]
    );
    assert!(paths.remove("/a"));
    assert!(!paths.remove("/a"));
    paths.set(["/x", "y", "/x"]);
    assert_eq!(paths.list().collect::<Vec<_>>(), [Path::new("/x")]);
    assert_eq!(
        paths.remarks()[0].kind(),
        &PathRemarkKind::Relative("y".into())
    );
}

#[test]
fn one_folder_under_two_names_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("link");
    let real = folder.path().join("real");
    fs::create_dir(&real).expect("made");
    symlink(&real, &link).expect("linked");
    let paths = SearchPaths::new().with_folder(&link).with_folder(&real);
    assert_eq!(
        paths.list().collect::<Vec<_>>(),
        [real.canonicalize().expect("there")]
    );
}

#[test]
fn a_file_lists_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("plugins.toml");
    #[track_caller]
    fn check(file: &Path, text: &str, expected: &[&str]) {
        fs::write(file, text).expect("written");
        let paths = SearchPaths::new().with_config(file);
        let below = format!("{}/", file.parent().expect("a folder").display());
        let found: Vec<String> = lines(&paths)
            .iter()
            .map(|line| line.replace(&below, ""))
            .collect();
        assert_eq!(found, expected);
    }
    check(
        &file,
        "folders = ['/nowhere/plugins', 'own']",
        &[
            "/nowhere/plugins from \"plugins.toml\"",
            "own from \"plugins.toml\"",
        ],
    );
    check(
        &file,
        "folder = []",
        &[
            "\"plugins.toml\": expected folders = [\"…\"]: unknown field `folder`, expected `folders`",
        ],
    );
    check(
        &file,
        "folders = 3",
        &[
            "\"plugins.toml\": expected folders = [\"…\"]: invalid type: integer `3`, expected a sequence",
        ],
    );
    let huge = format!("folders = []\n#{}", "x".repeat(70_000));
    check(
        &file,
        &huge,
        &["\"plugins.toml\": has more than 65536 bytes"],
    );
    fs::remove_file(&file).expect("removed");
    let missing = SearchPaths::new().with_config(&file);
    assert!(
        missing.remarks()[0]
            .to_string()
            .ends_with("there is no such file")
    );
    let relative = SearchPaths::new().with_config("plugins.toml");
    assert!(relative.remarks()[0].to_string().contains("relative"));
}

#[test]
fn names_are_tried_as_qt_tries_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = tempfile::tempdir().expect("a folder");
    let paths = SearchPaths::new()
        .with_folder(folder.path())
        .with_folder(other.path());
    let missing = paths.locate("codecs/zzgif").expect_err("nothing is there");
    let shown: Vec<String> = missing
        .tried()
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let expected: Vec<String> = [folder.path(), other.path()]
        .iter()
        .flat_map(|folder| {
            let folder = folder.canonicalize().expect("there");
            ["zzgif", "zzgif.so", "libzzgif", "libzzgif.so"]
                .map(|name| format!("{}/codecs/{name}", folder.display()))
        })
        .collect();
    assert_eq!(shown, expected);

    let file = other.path().join("libzzgif.so");
    fs::write(&file, "").expect("written");
    let real = file.canonicalize().ok();
    assert_eq!(paths.locate("zzgif").ok(), real);
    assert_eq!(
        paths.locate(other.path().join("zzgif")).ok(),
        real,
        "an absolute name"
    );
    assert_eq!(SearchPaths::new().locate(&file).ok(), real);
    // A folder of that name is not it.
    fs::create_dir(folder.path().join("zzgif")).expect("made");
    assert_eq!(paths.locate("zzgif").ok(), real);
}

#[test]
fn no_name_leads_out_or_into_the_current_directory() {
    let paths = SearchPaths::new().with_folder("/usr/lib");
    for name in ["../lib/libc", "./libc", "", ".", "..", "/usr/../usr/lib"] {
        let missing = paths.locate(name).expect_err(name);
        assert!(missing.tried().is_empty(), "{missing}");
    }
    // Tests run in the folder of their crate, where there is such a file.
    assert!(Path::new("Cargo.toml").is_file());
    assert!(paths.locate("Cargo.toml").is_err());
    assert!(SearchPaths::new().locate("Cargo.toml").is_err());
}
