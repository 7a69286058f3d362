//! Agreement with `objdump` on the machine's own libraries, beside that with `readelf`: the
//! two read with different code.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use plugwright_inspect::{Links, Untrusted, open, symbols};

const FOLDER: &str = "/usr/lib/x86_64-linux-gnu";

#[derive(Debug, Default, PartialEq)]
struct Facts {
    soname: Option<String>,
    needed: Vec<String>,
    run_path: Option<String>,
    old_run_path: Option<String>,
    build_id: Option<String>,
    defined: usize,
    undefined: usize,
}

fn objdump(arguments: &[&str], path: &Path) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test asks the tool it compares with"
    )]
    let output = std::process::Command::new("objdump")
        .args(arguments)
        .arg(path)
        .env("LC_ALL", "C")
        .output()
        .expect("objdump runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn of_objdump(path: &Path) -> Facts {
    let mut facts = Facts::default();
    for line in objdump(&["-w", "-p", "-T"], path).lines() {
        let mut words = line.split_whitespace();
        let entry = (words.next(), words.next(), words.next());
        if let (Some(name), Some(value), None) = entry {
            let value = || Some(value.to_owned());
            match name {
                "SONAME" => facts.soname = value(),
                "NEEDED" => facts.needed.extend(value()),
                "RUNPATH" => facts.run_path = value(),
                "RPATH" => facts.old_run_path = value(),
                _ => {}
            }
        }
        // Address, seven flags and the section; behind a tab the size and the name.
        let Some((left, _)) = line.split_once('\t') else {
            continue;
        };
        let Some((address, rest)) = left.split_once(' ') else {
            continue;
        };
        let Some((flags, section)) = rest.split_at_checked(7) else {
            continue;
        };
        if address.len() != 16 || flags.starts_with('l') {
            continue;
        }
        match section.trim() {
            "*UND*" => facts.undefined += 1,
            // A symbol at address 0 is none, but for thread-local and absolute ones.
            ".tbss" | ".tdata" | "*ABS*" => facts.defined += 1,
            _ => facts.defined += usize::from(address.bytes().any(|digit| digit != b'0')),
        }
    }
    facts.build_id = build_id(&objdump(&["-s", "-j", ".note.gnu.build-id"], path));
    facts
}

/// The build id in a hexadecimal dump of its note: behind three numbers and the owner.
fn build_id(dump: &str) -> Option<String> {
    let (_, lines) = dump.split_once("Contents of section")?;
    let lines = lines.lines().skip(1);
    let digits: String = lines
        .filter_map(|line| line.trim_start().split_once(' '))
        .flat_map(|(_, words)| words.split("  ").next().map(|words| words.replace(' ', "")))
        .collect();
    digits.get(32..).map(str::to_owned)
}

fn ours(path: &Path) -> Option<Facts> {
    let file = open(path, Links::Refuse).expect("a file");
    let found = symbols(&file, path.file_name());
    let image = found.images.first().filter(|_| found.problems.is_empty())?;
    let text = Untrusted::to_string;
    let headers = &image.headers;
    let elf = headers.elf().expect("ELF");
    Some(Facts {
        soname: headers.name.as_ref().map(text),
        needed: headers.needed.iter().map(text).collect(),
        run_path: headers.run_path.as_ref().map(text),
        old_run_path: elf.rpath.as_ref().map(text),
        build_id: elf.build_id.clone(),
        defined: image.exports.len(),
        undefined: image.imports.len(),
    })
}

#[test]
fn agreement_with_objdump() {
    if fs::metadata("/usr/bin/objdump").is_err() || fs::metadata(FOLDER).is_err() {
        assert!(
            std::env::var_os("CI").is_none(),
            "no objdump or no {FOLDER}"
        );
        return;
    }
    let entries = fs::read_dir(FOLDER).expect("a folder");
    let mut compared = 0;
    for entry in entries {
        let path = entry.expect("an entry").path();
        // Larger ones say the same for more time.
        let small =
            fs::symlink_metadata(&path).is_ok_and(|data| data.is_file() && data.len() < 1 << 20);
        if let Some(ours) = small.then(|| ours(&path)).flatten() {
            assert_eq!(ours, of_objdump(&path), "{}", path.display());
            compared += 1;
        }
    }
    drop(writeln!(
        std::io::stderr().lock(),
        "compared with objdump: {compared} files"
    ));
    assert!(
        compared >= crate::least_compared(200),
        "{compared} compared"
    );
}
