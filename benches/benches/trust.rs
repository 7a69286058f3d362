//! What a verified load costs, step by step, for plugins of three sizes; and how fast bytes are digested.
//!
//! A plugin of 10 MB is a real one with zeros behind it: the loader maps none of them, and whoever reads the file reads them all.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use plugwright_benches::{Contestant, markdown, race};
use plugwright_dylib::{Hints, Image, Library};
use plugwright_evidence::{Found, Root, SIGNATURE_SUFFIX, Signatures, digest};
use plugwright_host::{Host, InProcess, Policy};
use plugwright_inspect::{ReadAt, symbols};
use plugwright_trust::{
    Digest, Facts, FileFacts, FolderFacts, HardLinks, Key, Source, Structure, judge,
};

const MEGABYTE: usize = 1_000_000;

fn main() {
    let program = std::env::current_exe().expect("the bench has a path");
    let library =
        fs::read(program.with_file_name("libfixture_adder.so")).expect("built as a dev-dependency");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut text = String::from("| Verified load of a plugin of | ");
    let sizes = [library.len(), 10 * MEGABYTE, 100 * MEGABYTE];
    let mut rows: Vec<(&str, Vec<f64>)> = Vec::new();
    for (index, size) in sizes.into_iter().enumerate() {
        text += &[&format!("{:.1}", millions(size)), " MB | "].concat();
        let place = folder.path().join(index.to_string());
        fs::create_dir(&place).expect("made");
        let mut bytes = library.clone();
        bytes.resize(size.max(library.len()), 0);
        fs::write(place.join("libadder.so"), bytes).expect("written");
        for (row, (name, time)) in steps(&place, if size > 50 * MEGABYTE { 5 } else { 15 })
            .into_iter()
            .enumerate()
        {
            match rows.get_mut(row) {
                Some((_, times)) => times.push(time),
                None => rows.push((name, vec![time])),
            }
        }
    }
    text.push_str("\n|---|---|---|---|\n");
    for (name, times) in rows {
        let times: Vec<String> = times.iter().map(|time| format!("{time:.3} ms")).collect();
        text += &["| ", name, " | ", &times.join(" | "), " |\n"].concat();
    }
    print(&text);
    print(&markdown(
        "100 MB digested",
        &throughput(&folder.path().join("2/libadder.so")),
    ));
    print(&markdown("1,000 verdicts", &verdicts()));
}

fn policy() -> Policy {
    Policy::developer()
        .with_hard_links(HardLinks::Accepted)
        .with_sources([Source::Sealed])
}

/// The median time of each step, in milliseconds.
fn steps(folder: &Path, rounds: usize) -> Vec<(&'static str, f64)> {
    let names = [
        "read: open, `Image::seal`",
        "parse: `symbols`",
        "hash: `digest`",
        "judge: `judge`",
        "map: `Library::load`",
        "all of it: the host's pipeline",
        "`dlopen` alone, which never reads the file",
        "hash and check of a detached signature",
    ];
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("random numbers");
    let path = folder.join("libadder.so");
    let bytes = fs::read(&path).expect("readable");
    let signed = minisign::sign(None, &pair.sk, bytes.as_slice(), None, None).expect("signed");
    let public = pair.pk.to_base64().parse().expect("a key");
    let keys = [Key::new("bench", public, ["*".parse().expect("a pattern")])];
    let signature = folder.join(format!("libadder.so{SIGNATURE_SUFFIX}"));
    let (policy, name) = (policy(), Path::new("libadder.so"));
    let host = Host::builder(policy.clone()).folder(folder).scan();
    let plugin = host.plugins().next().expect("one plugin");
    let candidate = plugin.candidate().expect("in a file");
    let mut times = vec![Vec::new(); names.len()];
    for _ in 0..rounds {
        let mut clock = Instant::now();
        let mut lap = |row: usize| {
            times[row].push(clock.elapsed().as_secs_f64() * 1e3);
            clock = Instant::now();
        };
        let root = Root::open(folder).expect("opened");
        let opened = root.open_file(name).expect("opened");
        let image = Image::seal(opened.file(), name.as_os_str()).expect("sealed");
        lap(0);
        let contents = symbols(&image, Some(name.as_os_str()));
        lap(1);
        let found = Found::default();
        let facts = opened.facts(
            &mut |buffer, offset| image.read_at(buffer, offset),
            &contents,
            &found,
        );
        let facts = facts.expect("memory").with_held(Source::Sealed);
        lap(2);
        assert!(black_box(judge(&facts, &policy)).is_allowed());
        lap(3);
        // SAFETY: the fixture's constructors have no preconditions.
        let loaded = unsafe { Library::load(image, Hints::new()) };
        lap(4);
        drop(loaded.expect("loaded"));
        times_of(&mut times[5], || {
            let records = std::slice::from_ref(plugin.record());
            // SAFETY: the fixture is built with the SDK.
            let permission = unsafe { InProcess::trust_plugins() };
            let inspected = candidate.inspect(records, &policy, None).expect("read");
            let judged = inspected
                .resolve()
                .and_then(|resolved| resolved.judge(&policy));
            let planned = judged.and_then(|judged| judged.plan(Some(permission)));
            black_box(planned.and_then(|planned| planned.load())).expect("loaded");
        });
        times_of(&mut times[6], || {
            // SAFETY: as above; this is closed again, and nothing of it runs meanwhile.
            let library = unsafe { libloading::Library::new(&path) }.expect("loaded");
            drop(library);
        });
        fs::write(&signature, signed.to_string()).expect("written");
        let signed = Signatures::new(&root, &keys).of(name);
        times_of(&mut times[7], || {
            let file = opened.file();
            let facts = opened.facts(
                &mut |buffer, offset| ReadAt::read_at(file, buffer, offset),
                &contents,
                &signed,
            );
            assert_eq!(black_box(facts).expect("readable").signatures.len(), 1);
        });
        fs::remove_file(&signature).expect("removed");
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    names
        .into_iter()
        .zip(times.into_iter().map(median))
        .collect()
}

/// Adds what `work` takes.
fn times_of(times: &mut Vec<f64>, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    times.push(start.elapsed().as_secs_f64() * 1e3);
}

/// Digests a file beside the programs that do so.
fn throughput(path: &Path) -> Vec<plugwright_benches::Result> {
    let mut contestants = vec![Contestant {
        name: "`evidence::digest` (BLAKE3)",
        round: Box::new(|| {
            let file = fs::File::open(path).expect("readable");
            let digest = digest(&mut |buffer, offset| ReadAt::read_at(&file, buffer, offset));
            black_box(digest.expect("readable"));
            1
        }),
    }];
    for (name, arguments) in [("b3sum", &["--num-threads", "1"][..]), ("sha256sum", &[])] {
        let run = move || {
            #[expect(clippy::disallowed_methods, reason = "the peer is a program")]
            let status = Command::new(name)
                .args(arguments)
                .arg(path)
                .stdout(Stdio::null())
                .status();
            status.is_ok_and(|status| status.success())
        };
        if run() {
            contestants.push(Contestant {
                name,
                round: Box::new(move || u64::from(run())),
            });
        } else {
            print(&format!("SKIPPED: {name} is not installed"));
        }
    }
    race(contestants, 7)
}

/// Verdicts from facts that are known.
fn verdicts() -> Vec<plugwright_benches::Result> {
    let facts: Vec<Facts> = (0..1_000_u32)
        .map(|number| {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&number.to_le_bytes());
            Facts::new(
                format!("/usr/lib/press/{number}.so"),
                Digest::from_bytes(digest),
                Structure::sound(),
            )
            .with_file(FileFacts::new(0, 0, 0o644))
            .with_ancestors(vec![
                FolderFacts::new("/usr", 0, 0, 0o755),
                FolderFacts::new("/", 0, 0, 0o755),
            ])
        })
        .collect();
    let policy = Policy::server();
    let judged = Contestant {
        name: "`judge`, with facts that are known",
        round: Box::new(move || {
            let allowed = facts
                .iter()
                .filter(|facts| judge(facts, &policy).is_allowed());
            assert_eq!(black_box(allowed.count()), 1_000);
            1
        }),
    };
    race(vec![judged], 21)
}

fn millions(size: usize) -> f64 {
    u32::try_from(size).map_or(f64::MAX, f64::from) / 1e6
}

#[expect(clippy::print_stdout, reason = "a bench prints its results")]
fn print(text: &str) {
    println!("{text}");
}
