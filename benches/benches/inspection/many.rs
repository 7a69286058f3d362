//! Very many files in one tree: whether time and memory grow with them, and how.

use std::fs;
use std::path::Path;

use plugwright_testkit::elf::ElfBuilder;

use crate::print;
use crate::process::{plugwright, run};

/// What a plugin of Qt 6 says (CBOR): an id, a class and a key.
const METADATA: &[u8] = b"\x01\x06\x04\x01\xbf\x02\x61a\x03\x61B\x04\xa1\x64Keys\x81\x61k\xff";
/// Files in a folder.
const FOLDER: usize = 1_000;
const ROUNDS: usize = 5;

pub(crate) fn measure() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let bytes = ElfBuilder::x86_64().qt_note(METADATA).build().into_bytes();
    let mut text = format!(
        "| plugins of {} bytes, in folders of {FOLDER} | `list --recursive` | per file | peak memory |\n\
         |---|---|---|---|\n",
        bytes.len()
    );
    let mut made = 0;
    for files in [1_000, 10_000, 30_000, 100_000] {
        while made < files {
            fill(&root.path().join(format!("{:04}", made / FOLDER)), &bytes);
            made += FOLDER;
        }
        for format in ["table", "jsonl"] {
            let mut times = Vec::new();
            let mut peaks = Vec::new();
            for round in 0..=ROUNDS {
                let folder = root.path().as_os_str();
                let arguments = [
                    "list".as_ref(),
                    "--no-registry".as_ref(),
                    "--recursive".as_ref(),
                    folder,
                ];
                let taken = run(plugwright(arguments).args(["--format", format]));
                // The first round warms up.
                if round > 0 {
                    times.push(taken.time.as_secs_f64() * 1e9);
                    peaks.push(taken.peak);
                }
            }
            times.sort_by(f64::total_cmp);
            peaks.sort_unstable();
            let median = times[ROUNDS / 2];
            let count = u32::try_from(files).map_or(f64::MAX, f64::from);
            let line = format!(
                "| {files}, as {format} | {:.1} ms | {:.2} us | {:.1} MiB |\n",
                median / 1e6,
                median / 1e3 / count,
                i32::try_from(peaks[ROUNDS / 2]).map_or(f64::MAX, f64::from) / 1024.0
            );
            text.push_str(&line);
        }
    }
    print(&text);
}

fn fill(folder: &Path, bytes: &[u8]) {
    fs::create_dir(folder).expect("a folder");
    for number in 0..FOLDER {
        let path = folder.join(format!("libplugin{number:04}.so"));
        fs::write(path, bytes).expect("written");
    }
}
