//! The review beside its peers, over a folder of real libraries.
//!
//! `PLUGWRIGHT_CORPUS` names the folder; without it, it is the system's own. Peers take part where they are installed:
//! `readelf`, `scanelf` and `libtree` from `PATH`; `CHECKSEC_RS` and `CHECKSEC_SH` name the programs of checksec.rs and
//! checksec.sh. Prints a Markdown table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use plugwright_audit::{Options, Report, Target, Tier, review};
use plugwright_benches::human;

const ROUNDS: usize = 5;
/// Files that checksec.sh is given: it takes a tenth of a second for each.
const SLOW: usize = 40;

fn main() {
    let corpus = std::env::var_os("PLUGWRIGHT_CORPUS").map_or_else(default_corpus, PathBuf::from);
    let libraries = elf_files(&corpus);
    let sizes = libraries
        .iter()
        .map(|path| fs::metadata(path).map_or(0, |file| file.len()));
    print(&format!(
        "{} and all below it: {} ELF files, {} MB\n",
        corpus.display(),
        libraries.len(),
        sizes.sum::<u64>() / 1_000_000
    ));
    print("| what | time | to the review of the same depth |\n|---|---|---|");
    let files = row(
        "files: every rule of one file, and of the folder",
        None,
        || look(&corpus, Tier::Files),
    );
    let closure = row("closure: also all that each brings in", None, || {
        look(&corpus, Tier::Closure);
    });
    peers(&corpus, &libraries, files, closure);
    print(&format!("\npeak memory: {}", peak()));
    many();
    process();
}

/// One line of the table: the median of some runs, and how many times `yardstick` it is.
fn row(name: &str, yardstick: Option<f64>, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .skip(1)
        .collect();
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    print_row(name, median, yardstick);
    median
}

fn print_row(name: &str, seconds: f64, yardstick: Option<f64>) {
    let ratio = yardstick.map_or(1.0, |yardstick| seconds / yardstick);
    print(&format!(
        "| {name} | {} | {ratio:.2} |",
        human(seconds * 1e9)
    ));
}

fn look(path: &Path, tier: Tier) {
    let report: Report = review(&[Target::path(path)], &Options::new(tier));
    assert_eq!(report.targets[0].unread, 0, "everything was read");
}

fn peers(corpus: &Path, libraries: &[PathBuf], files: f64, closure: f64) {
    let all = |program: &str, arguments: &[&str]| run(program, arguments, libraries);
    let race = |name: &str, program: &str, arguments: &[&str], yardstick| {
        if all(program, arguments) {
            row(name, Some(yardstick), || {
                all(program, arguments);
            });
        } else {
            print(&format!("| {name} | not installed | |"));
        }
    };
    race("scanelf, hardening only", "scanelf", &["-qa"], files);
    race("readelf -sW: symbols only", "readelf", &["-sW"], files);
    race("libtree: closure only", "libtree", &["-vvv"], closure);
    let variable = |name| std::env::var(name).unwrap_or_default();
    let rust = variable("CHECKSEC_RS");
    let folder = corpus.display().to_string();
    if rust.is_empty() {
        print("| checksec.rs | CHECKSEC_RS is not set | |");
    } else {
        row("checksec.rs over the folder", Some(files), || {
            run(&rust, &["-d", &folder], &[]);
        });
    }
    let shell = variable("CHECKSEC_SH");
    if shell.is_empty() {
        print("| checksec.sh | CHECKSEC_SH is not set | |");
        return;
    }
    let some = &libraries[..SLOW.min(libraries.len())];
    let start = Instant::now();
    for library in some {
        let file = format!("--file={}", library.display());
        run(&shell, &[&file], &[]);
    }
    let each = start.elapsed().as_secs_f64() / count(some.len());
    let whole = each * count(libraries.len());
    print_row("checksec.sh, from the time of some", whole, Some(files));
}

#[expect(clippy::disallowed_methods, reason = "the peers are programs")]
fn run(program: &str, arguments: &[&str], files: &[PathBuf]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).args(files);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// Whether time grows with the number of files and not faster.
fn many() {
    print("\n| copies of a small library | time | for each |\n|---|---|---|");
    let bytes = plugwright_testkit::elf::ElfBuilder::x86_64()
        .soname("libsmall.so.1")
        .needed("libc.so.6")
        .export("small")
        .build()
        .into_bytes();
    for number in [2_000_usize, 20_000] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for index in 0..number {
            fs::write(folder.path().join(format!("lib{index}.so")), &bytes).expect("written");
        }
        let start = Instant::now();
        look(folder.path(), Tier::Closure);
        let time = start.elapsed().as_secs_f64();
        let each = human(time / count(number) * 1e9);
        print(&format!("| {number} | {} | {each} |", human(time * 1e9)));
    }
    print(&format!("\npeak memory: {}", peak()));
}

/// A live process with 300 mappings: this one, once it has loaded enough.
fn process() {
    let mut kept = Vec::new();
    for path in elf_files(&default_corpus()) {
        if mappings() >= 300 {
            break;
        }
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // Small ones that do nothing when they are loaded.
        if name.starts_with("libxcb-") || name.starts_with("libX") || name.starts_with("libicu") {
            // SAFETY: the system's own libraries; their constructors are the toolchain's.
            kept.extend(unsafe { libloading::Library::new(&path) });
        }
    }
    print(&format!(
        "\n| a process with {} mappings | time | |\n|---|---|---|",
        mappings()
    ));
    for tier in [Tier::Files, Tier::Closure] {
        row(&format!("the tier {tier}"), None, || {
            let targets = [Target::Process(std::process::id())];
            let report = review(&targets, &Options::new(tier));
            assert_eq!(report.targets[0].processes, 1);
        });
    }
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").map_or(0, |maps| maps.lines().count())
}

fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}

fn default_corpus() -> PathBuf {
    let folder = Path::new("/usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    if folder.is_dir() {
        folder
    } else {
        "/usr/lib".into()
    }
}

/// The ELF files of a folder and of all below it, links left out.
fn elf_files(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(folder).expect("the corpus can be read");
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if kind.is_file() && is_elf(&entry.path()) => paths.push(entry.path()),
                _ => {}
            }
        }
    }
    paths.sort();
    paths
}

fn is_elf(path: &Path) -> bool {
    use std::io::Read as _;
    let mut mark = [0; 4];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut mark));
    read.is_ok() && mark == *b"\x7fELF"
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("fewer than 2^32"))
}

#[expect(
    clippy::print_stdout,
    reason = "a benchmark is a program, and this is its result"
)]
fn print(line: &str) {
    println!("{line}");
}
