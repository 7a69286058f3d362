//! What a verified load costs, step by step, for plugins of four sizes; and how fast bytes are digested and verdicts given.
//!
//! ```sh
//! cargo bench -p plugwright-benches --bench trust                  # everything, about a minute
//! cargo bench -p plugwright-benches --bench trust -- load digest   # parts: load, digest, verdicts
//! ```
//!
//! The plugin of 0.3 MB is one in C that is mostly constants, the next a real one in Rust, and those of 10 and 100 MB are that one
//! with zeros behind it: the loader maps none of them, and whoever reads the file reads them all. No plugin is ever unloaded, so
//! that every round takes new memory. What a virtual machine never used before is not there yet and takes its host a while; so
//! each part begins by using and giving back as much as it will need.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use plugwright_benches::{Contestant, markdown, race};
use plugwright_dylib::{Hints, Image, Library};
use plugwright_evidence::{Found, Root, SIGNATURE_SUFFIX, Signatures, digest};
use plugwright_host::{Host, InProcess, Policy, Refusal, Registry};
use plugwright_inspect::symbols;
use plugwright_manifest::embed::{BuildDef, Linkage, RecordDef, note_bytes};
use plugwright_manifest::{c, note};
use plugwright_plugin::abi::ABI;
use plugwright_testkit::cc;
use plugwright_testkit::elf::ElfBuilder;
use plugwright_trust::{
    Digest, Facts, FileFacts, FolderFacts, HardLinks, Key, Source, Structure, judge,
};

const MEGABYTE: usize = 1_000_000;

fn main() {
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let program = std::env::current_exe().expect("the bench has a path");
    let library = program.with_file_name("libfixture_adder.so");
    // Beside the program: a folder for everybody's temporary files is no place to load from in place.
    let beside = program.parent().expect("a folder");
    let folder = tempfile::tempdir_in(beside).expect("a temporary folder");
    if wanted("load") {
        loads(folder.path(), &library);
    }
    if wanted("digest") {
        let path = folder.path().join("bytes");
        fs::write(&path, vec![7; 100 * MEGABYTE]).expect("written");
        print(&markdown("100 MB digested", &throughput(&path)));
    }
    if wanted("verdicts") {
        let place = folder.path().join("small");
        fs::create_dir(&place).expect("made");
        print(&markdown("1,000 verdicts", &verdicts(&place)));
    }
}

/// Prints what each step takes for each size.
fn loads(folder: &Path, rust: &Path) {
    let rust = fs::read(rust).expect("built as a dev-dependency");
    let padded = |size: usize| {
        let mut bytes = rust.clone();
        bytes.resize(size, 0);
        bytes
    };
    let plugins = [
        (fs::read(in_c(300_000)).expect("compiled"), 31),
        (rust.clone(), 31),
        (padded(10 * MEGABYTE), 15),
        (padded(100 * MEGABYTE), 5),
    ];
    let mut text = String::from("| Verified load of a plugin of |");
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    for (index, (bytes, rounds)) in plugins.into_iter().enumerate() {
        let size = millions(bytes.len());
        text += &[" ", &format!("{size:.1}"), " MB |"].concat();
        let place = folder.join(index.to_string());
        fs::create_dir(&place).expect("made");
        fs::write(place.join("libplugin.so"), &bytes).expect("written");
        // Two sealed copies and two files in each round, and what was not thought of.
        drop(black_box(vec![1_u8; bytes.len() * (5 * rounds + 5)]));
        for (row, (name, time)) in steps(&place, rounds).into_iter().enumerate() {
            let time = time.map_or_else(
                || "–".to_owned(),
                |time| match name {
                    WHOLE => format!("{time:.3} ms, {:.2} for a MB", time / size),
                    _ => format!("{time:.3} ms"),
                },
            );
            match rows.get_mut(row) {
                Some((_, times)) => times.push(time),
                None => rows.push((name, vec![time])),
            }
        }
    }
    text.push_str("\n|---|---|---|---|---|\n");
    for (name, times) in rows {
        text += &["| ", name, " | ", &times.join(" | "), " |\n"].concat();
    }
    print(&text);
}

/// What a plugin without anything says of itself.
fn record(entry: &'static str, id: &'static str) -> RecordDef {
    RecordDef {
        entry,
        id,
        version: "1.0.0",
        crate_name: "plugin",
        linkage: Linkage::Cdylib,
        provides: &[],
        singleton: false,
        configurable: false,
        capabilities: &[],
        build: BuildDef {
            abi: ABI,
            target: "c",
            profile: "release",
            rustc: "cc",
            panic_abort: false,
            unloadable: false,
        },
        name: "",
        description: "",
        license: "",
        authors: "",
        homepage: "",
        metadata: &[],
    }
}

/// A plugin in C of a little more than `size` bytes.
fn in_c(size: usize) -> PathBuf {
    let made = c::header(&record("plugwright_entry_sized", "org.example.sized"), &[]);
    let made = made.expect("small enough");
    // The bench loads it and never enters it.
    let source = format!(
        "#include \"plugwright_plugin.h\"\n{made}\nconst unsigned char constants[{size}] = {{1}};\n\
         const pw_plugin_table *PLUGIN_ENTRY(const pw_host_table *host) {{\n\
         (void)host; (void)plugin_id; (void)plugin_version; return 0; }}\n"
    );
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/plugin/include");
    let arguments = ["-I".as_ref(), include.as_os_str()];
    cc::shared("libplugin.so", &source, &arguments)
}

fn policy_of(source: Source) -> Policy {
    Policy::developer()
        .with_hard_links(HardLinks::Accepted)
        .with_sources([source])
}

/// The host's own way with the only plugin of a folder, up to the point where its constructors have run.
fn load(folder: &Path, policy: &Policy, times: &mut Vec<f64>) -> Result<(), Refusal> {
    let host = Host::builder(policy.clone()).folder(folder).scan();
    let plugin = host.plugins().next().expect("one plugin");
    let candidate = plugin.candidate().expect("in a file");
    let records = std::slice::from_ref(plugin.record());
    let start = Instant::now();
    let judged = candidate
        .inspect(records, policy, None)
        .and_then(|inspected| inspected.resolve())
        .and_then(|resolved| resolved.judge(policy))?;
    // SAFETY: what is loaded here is the project's own.
    let permission = unsafe { InProcess::trust_plugins() };
    let planned = judged.plan(Some(permission))?;
    black_box(planned.load())?;
    times.push(start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

const WHOLE: &str = "**all of it: the host's pipeline, from a sealed copy**";

/// The median time of each step, in milliseconds; `None` for what this machine cannot do.
fn steps(folder: &Path, rounds: usize) -> Vec<(&'static str, Option<f64>)> {
    let names = [
        "read: open, `Image::seal`",
        "parse: `symbols`",
        "hash: `digest`, and the other facts",
        "judge: `judge`",
        "map: `Library::load`",
        WHOLE,
        "the host's pipeline, in place",
        "`dlopen` alone, which never reads the file",
        "hash and check of a detached signature",
    ];
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("random numbers");
    let path = folder.join("libplugin.so");
    let bytes = fs::read(&path).expect("readable");
    let signed = minisign::sign(None, &pair.sk, bytes.as_slice(), None, None).expect("signed");
    let public = pair.pk.to_base64().parse().expect("a key");
    let keys = [Key::new("bench", public, ["*".parse().expect("a pattern")])];
    let signature = folder.join(format!("libplugin.so{SIGNATURE_SUFFIX}"));
    let (sealed, in_place, name) = (
        policy_of(Source::Sealed),
        policy_of(Source::InPlace),
        Path::new("libplugin.so"),
    );
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
        let facts = opened.facts(&image, &contents, &Found::default());
        let facts = facts.expect("memory").with_held(Source::Sealed);
        lap(2);
        assert!(black_box(judge(&facts, &sealed)).is_allowed());
        lap(3);
        // SAFETY: the fixture's constructors have no preconditions.
        let loaded = unsafe { Library::load(image, Hints::new()) };
        lap(4);
        drop(loaded.expect("loaded"));
        load(folder, &sealed, &mut times[5]).expect("loaded");
        // A file that is loaded in place is not loaded twice.
        let another = tempfile::tempdir_in(folder).expect("a temporary folder");
        fs::copy(&path, another.path().join(name)).expect("copied");
        if let Err(refusal) = load(another.path(), &in_place, &mut times[6]) {
            let told = refusal.to_string();
            assert!(told.contains("ownership."), "{told}");
        }
        times_of(&mut times[7], || {
            // SAFETY: as above; this is closed again, and nothing of it runs meanwhile.
            let library = unsafe { libloading::Library::new(&path) }.expect("loaded");
            drop(library);
        });
        fs::write(&signature, signed.to_string()).expect("written");
        let signed = Signatures::new(&root, &keys).of(name);
        times_of(&mut times[8], || {
            let facts = opened.facts(opened.file(), &contents, &signed);
            assert_eq!(black_box(facts).expect("readable").signatures.len(), 1);
        });
        fs::remove_file(&signature).expect("removed");
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied()
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
            black_box(digest(&file).expect("readable"));
            1
        }),
    }];
    let programs = [
        (
            "b3sum, which maps the file and takes all processors",
            "b3sum",
            &[][..],
        ),
        ("b3sum --num-threads 1", "b3sum", &["--num-threads", "1"]),
        ("sha256sum", "sha256sum", &[]),
    ];
    for (name, program, arguments) in programs {
        let run = move || {
            #[expect(clippy::disallowed_methods, reason = "the peer is a program")]
            let status = Command::new(program)
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
            print(&format!("SKIPPED: {name} is not to be had here"));
        }
    }
    race(contestants, 7)
}

/// Verdicts from facts that are known.
fn verdicts(folder: &Path) -> Vec<plugwright_benches::Result> {
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
    for index in 0..1_000 {
        let path = folder.join(format!("libplugin{index:04}.so"));
        fs::write(path, small(index)).expect("written");
    }
    let kept = tempfile::tempdir_in(folder.parent().expect("a folder")).expect("a folder");
    let registry = Registry::at(kept.path().join("registry"));
    let host = || {
        Host::builder(policy_of(Source::Sealed))
            .folder(folder)
            .registry(registry.clone())
            .scan()
    };
    let known = |host: &Host| {
        let advice = host.advice();
        let known = advice.iter().filter(|advice| advice.is_known);
        known.count()
    };
    // Until the files' times have settled.
    let warm = host();
    while known(&warm) < 1_000 {}
    drop(host());
    let again = Contestant {
        name: "`Host::advice`, of files that are the same",
        round: Box::new(|| {
            assert_eq!(black_box(known(&warm)), 1_000);
            1
        }),
    };
    let anew = Contestant {
        name: "a new host with a warm registry, and its `Host::advice`",
        round: Box::new(|| {
            assert_eq!(black_box(known(&host())), 1_000);
            1
        }),
    };
    race(vec![judged, again, anew], 21)
}

/// A plugin with an id of its own, of less than a page.
fn small(index: u32) -> Vec<u8> {
    let id = Box::leak(format!("org.example.plugin{index}").into_boxed_str());
    let notes = note_bytes(&record("plugwright_entry", id)).expect("small enough");
    let mut elf = ElfBuilder::x86_64().export("plugwright_entry");
    let mut rest = notes.as_slice();
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"));
    while !rest.is_empty() {
        let (owner, length, kind) = (
            word(rest) as usize,
            word(&rest[4..]) as usize,
            word(&rest[8..]),
        );
        let contents = &rest[12 + owner.next_multiple_of(4)..];
        let (name, section) = (note::OWNER, note::ELF_SECTION);
        elf = elf.note(section, 4, name, kind, &contents[..length]);
        rest = &contents[length.next_multiple_of(4)..];
    }
    elf.build().into_bytes()
}

fn millions(size: usize) -> f64 {
    u32::try_from(size).map_or(f64::MAX, f64::from) / 1e6
}

#[expect(clippy::print_stdout, reason = "a bench prints its results")]
fn print(text: &str) {
    println!("{text}");
}
