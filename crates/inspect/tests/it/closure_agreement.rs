//! Agreement with the system's loader: its own trace over every library and program of the
//! machine's folders, names and paths compared.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;

use plugwright_inspect::closure::{Closure, Closures, Search};
use plugwright_inspect::{Kind, Links, headers, open};

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// What the loader says.
#[derive(Debug, Default, PartialEq)]
struct Trace {
    /// Name and path in its order, `None` for what it does not find.
    libraries: Vec<(String, Option<PathBuf>)>,
    /// Undefined symbols, with the library that asks for them.
    undefined: BTreeSet<(String, PathBuf)>,
}

fn trace(path: &Path) -> Option<Trace> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test asks the loader it compares with"
    )]
    let output = std::process::Command::new(LOADER)
        .arg(path)
        .env_clear()
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        // With these it relocates as well, as for `ldd -r`; no code runs but resolvers of
        // indirect functions.
        .env("LD_WARN", "yes")
        .env("LD_BIND_NOW", "yes")
        .output()
        .expect("the loader runs");
    // Static libraries and those that the loader refuses have no trace.
    if !output.status.success() {
        return None;
    }
    let mut trace = Trace::default();
    for line in String::from_utf8_lossy(&output.stdout)
        .lines()
        .chain(String::from_utf8_lossy(&output.stderr).lines())
    {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("undefined symbol: ") {
            let (name, path) = rest.split_once('\t').expect("name and path");
            // The version, if any, follows the name.
            let name = name.split(',').next().unwrap_or(name);
            let path = path.trim_start_matches('(').trim_end_matches(')');
            trace
                .undefined
                .insert((name.to_owned(), PathBuf::from(path)));
        } else if let Some((name, path)) = line.split_once(" => ") {
            let path = path.split(" (").next().filter(|path| path.starts_with('/'));
            trace
                .libraries
                .push((name.to_owned(), path.map(PathBuf::from)));
        } else if let Some((name, _)) = line.split_once(" (0x") {
            trace
                .libraries
                .push((name.to_owned(), Some(PathBuf::from(name))));
        }
    }
    // The kernel's library, and the loader, which names itself by the program's header.
    trace
        .libraries
        .retain(|(name, _)| !name.contains("linux-vdso") && !name.contains("ld-linux"));
    Some(trace)
}

/// The same of a closure, the library itself left out.
fn ours(closure: &Closure) -> Trace {
    let images = closure.images.iter().skip(1);
    let libraries = images.map(|image| (image.name.to_string(), image.path.clone()));
    let undefined = closure.problems.iter().filter_map(|problem| {
        let symbol = problem.symbol.as_ref()?.to_string();
        Some((symbol, PathBuf::from(problem.image.to_string())))
    });
    Trace {
        libraries: libraries
            .filter(|(name, _)| !name.contains("ld-linux"))
            .collect(),
        undefined: undefined.collect(),
    }
}

fn compare(files: &[PathBuf]) -> (usize, usize, Vec<String>) {
    let host = Search::host().expect("an ELF system").target;
    let closures = Closures::new(Search::host().expect("an ELF system"));
    let (mut compared, mut undefined) = (0, 0);
    let mut differences = Vec::new();
    for path in files {
        let Ok(file) = open(path, Links::Refuse) else {
            continue;
        };
        let found = headers(&file, None);
        let Some(image) = found.images.first().filter(|_| found.problems.is_empty()) else {
            continue;
        };
        if image.image.kind != Kind::SharedLibrary || image.image.target != host {
            continue;
        }
        let Some(expected) = trace(path) else {
            continue;
        };
        let found = ours(&closures.of(path));
        compared += 1;
        undefined += expected.undefined.len();
        if expected.libraries != found.libraries {
            let (expected, found) = (&expected.libraries, &found.libraries);
            differences.push(format!(
                "{}:\n  loader {expected:?}\n  ours {found:?}",
                path.display()
            ));
        }
        if expected.undefined != found.undefined {
            let only = |left: &Trace, right: &Trace| -> Vec<_> {
                left.undefined
                    .difference(&right.undefined)
                    .take(5)
                    .cloned()
                    .collect()
            };
            let (more, less) = (only(&expected, &found), only(&found, &expected));
            differences.push(format!(
                "{}:\n  only loader {more:?}\n  only ours {less:?}",
                path.display()
            ));
        }
    }
    (compared, undefined, differences)
}

#[test]
fn the_loaders_own_trace() {
    if fs::metadata(LOADER).is_err() || !cfg!(target_arch = "x86_64") {
        assert!(std::env::var_os("CI").is_none(), "no {LOADER}");
        return;
    }
    let mut files = Vec::new();
    for folder in ["/usr/lib/x86_64-linux-gnu", "/usr/bin"] {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                files.push(path);
            }
        }
    }
    for folder in [
        "/usr/lib/x86_64-linux-gnu/qt6",
        "/usr/lib/x86_64-linux-gnu/qt5",
    ] {
        if fs::metadata(folder).is_ok() {
            crate::qt_agreement::libraries(Path::new(folder), &mut files);
        }
    }
    files.sort();
    let halves: Vec<_> = files
        .chunks(files.len().div_ceil(2))
        .map(<[PathBuf]>::to_vec)
        .collect();
    let threads: Vec<_> = halves
        .into_iter()
        .map(|half| thread::spawn(move || compare(&half)))
        .collect();
    let (mut compared, mut undefined, mut differences) = (0, 0, Vec::new());
    for thread in threads {
        let (count, symbols, more) = thread.join().expect("compared");
        compared += count;
        undefined += symbols;
        differences.extend(more);
    }
    let mut err = std::io::stderr().lock();
    drop(writeln!(
        err,
        "closures compared with {LOADER}: {compared}, with {undefined} undefined symbols, {} differ",
        differences.len()
    ));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(
        compared >= crate::least_compared(400),
        "{compared} compared"
    );
}
