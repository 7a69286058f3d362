//! How long one interface of twenty methods takes to compile: Plugwright beside abi_stable, stabby
//! and a plain trait. A crate for each is written into a temporary folder, with a type that
//! implements the interface and an exported function that makes an object of it.
//!
//! ```sh
//! cargo bench --manifest-path benches/peers/Cargo.toml --bench compile_times
//! ```

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use plugwright_benches::results;

const METHODS: usize = 20;
const ROUNDS: usize = 7;

/// Plugwright lies here, and is compiled into as many parts as what lies in a registry: cargo
/// compiles what is local into 256, all of which would be linked.
const FROM_A_REGISTRY: &str = "[profile.dev.package.\"*\"]\ncodegen-units = 16\n";

/// How one crate writes the interface.
struct Peer {
    name: &'static str,
    dependency: String,
    /// What stands before the trait.
    head: &'static str,
    /// What stands before each method.
    method: &'static str,
    text: &'static str,
    bytes: &'static str,
    vector: &'static str,
    /// An expression that makes the vector of `self.0 as usize` bytes.
    made: &'static str,
    /// What stands before the implementing type.
    class: &'static str,
    /// The exported function.
    export: &'static str,
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let crates: Vec<(Peer, PathBuf)> = peers()
        .into_iter()
        .map(|peer| {
            let place = folder.path().join(peer.name.replace(' ', "-"));
            std::fs::create_dir_all(place.join("src")).expect("a folder");
            let manifest = format!(
                "[package]\nname = \"wide\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n{FROM_A_REGISTRY}[dependencies]\n{}\n",
                peer.dependency
            );
            std::fs::write(place.join("Cargo.toml"), manifest).expect("written");
            let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
            std::fs::copy(lock, place.join("Cargo.lock")).expect("the versions of this workspace");
            write(&place, &peer, 0);
            (peer, place)
        })
        .collect();

    let all: Vec<(&str, Vec<f64>)> = crates
        .iter()
        .map(|(peer, place)| (peer.name, vec![build(place).0]))
        .collect();
    print("with everything that it needs, once", all);

    let mut clean: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut worked: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut changed: Vec<(&str, Vec<f64>)> = Vec::new();
    for (peer, _) in &crates {
        clean.push((peer.name, Vec::new()));
        worked.push((peer.name, Vec::new()));
        changed.push((peer.name, Vec::new()));
    }
    for round in 1..=ROUNDS {
        for (index, (peer, place)) in crates.iter().enumerate() {
            cargo(place, &["clean", "-p", "wide"]);
            let (waited, took) = build(place);
            clean[index].1.push(waited);
            worked[index].1.push(took);
            write(place, peer, round);
            changed[index].1.push(build(place).0);
        }
    }
    print("the crate alone, clean", clean);
    print("the crate alone, clean: processor time", worked);
    print("the crate alone, after one body changed", changed);
}

fn print(title: &str, times: Vec<(&str, Vec<f64>)>) {
    let results = results(times.into_iter());
    println!("{}", plugwright_benches::markdown(title, &results));
}

/// Nanoseconds that one waits for `cargo build`, and those that processors work for it.
fn build(place: &Path) -> (f64, f64) {
    let (start, before) = (Instant::now(), worked());
    cargo(place, &["build", "--quiet"]);
    (start.elapsed().as_secs_f64() * 1e9, worked() - before)
}

/// Nanoseconds that processors worked for the processes that this one started and that have ended:
/// what `/proc/self/stat` says, in hundredths of a second. Other work on the machine changes them
/// less than it changes the time that one waits.
fn worked() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, rest) = stat.rsplit_once(')').expect("the program's name");
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number");
    // `cutime` and `cstime` are the 16th and 17th fields, of which the name is the second.
    (ticks(13) + ticks(14)) * 1e7
}

/// Warnings of what the peers generate are not shown: they would bury the tables.
fn cargo(place: &Path, arguments: &[&str]) {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(place)
        .env("CARGO_TARGET_DIR", place.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo {arguments:?} in {}: {said}",
        place.display()
    );
}

/// Writes the crate; `round` is a number in one method's body.
fn write(place: &Path, peer: &Peer, round: usize) {
    let (mut declared, mut implemented) = (String::new(), String::new());
    for index in 0..METHODS {
        let method = peer.method;
        let (signature, body) = match index % 4 {
            0 => (
                format!("{method} number_{index}(&self, a: u64, b: u32) -> u64"),
                format!("self.0 + a + u64::from(b) + {round}"),
            ),
            1 => (
                format!("{method} text_{index}(&self, text: {}) -> u64", peer.text),
                "self.0 + text.len() as u64".to_owned(),
            ),
            2 => (
                format!(
                    "{method} bytes_{index}(&self, bytes: {}) -> u64",
                    peer.bytes
                ),
                "self.0 + bytes.len() as u64".to_owned(),
            ),
            _ => (
                format!("{method} vector_{index}(&self) -> {}", peer.vector),
                peer.made.to_owned(),
            ),
        };
        writeln!(declared, "    {signature};").expect("memory");
        writeln!(implemented, "    {signature} {{ {body} }}").expect("memory");
    }
    let Peer {
        head,
        class,
        export,
        ..
    } = peer;
    let text = format!(
        "{head}\npub trait Wide: Send + Sync {{\n{declared}}}\n\n{class}\npub struct One(u64);\n\n\
         impl Wide for One {{\n{implemented}}}\n\n{export}\n"
    );
    std::fs::write(place.join("src/lib.rs"), text).expect("written");
}

fn peers() -> Vec<Peer> {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/plugin");
    vec![
        Peer {
            name: "a plain trait",
            dependency: String::new(),
            head: "",
            method: "fn",
            text: "&str",
            bytes: "&[u8]",
            vector: "Vec<u8>",
            made: "vec![7; self.0 as usize]",
            class: "",
            export: "#[unsafe(no_mangle)]\n#[expect(improper_ctypes_definitions, reason = \"a yardstick\")]\n\
                     pub extern \"C\" fn make() -> Box<dyn Wide> { Box::new(One(1)) }",
        },
        Peer {
            name: "Plugwright",
            dependency: format!("plugwright-plugin = {{ path = {sdk:?} }}"),
            head: "#[plugwright_plugin::interface(id = \"org.example.wide\", version = \"1.0\")]",
            method: "fn",
            text: "&str",
            bytes: "&[u8]",
            vector: "Vec<u8>",
            made: "vec![7; self.0 as usize]",
            class: "#[plugwright_plugin::plugin(id = \"org.example.one\", provides(Wide))]\n\
                    #[derive(Default)]",
            export: "",
        },
        Peer {
            name: "abi_stable",
            dependency: "abi_stable = { version = \"0.11.3\", default-features = false }"
                .to_owned(),
            head: "use abi_stable::std_types::{RBox, RSlice, RStr, RVec};\n\
                   #[abi_stable::sabi_trait]",
            method: "fn",
            text: "RStr<'_>",
            bytes: "RSlice<'_, u8>",
            vector: "RVec<u8>",
            made: "vec![7; self.0 as usize].into()",
            class: "",
            export: "#[unsafe(no_mangle)]\n\
                     pub extern \"C\" fn make() -> Wide_TO<'static, RBox<()>> {\n    \
                     Wide_TO::from_value(One(1), abi_stable::sabi_trait::TD_Opaque)\n}",
        },
        Peer {
            name: "stabby",
            dependency: "stabby = \"72.1\"".to_owned(),
            head: "#[stabby::stabby(checked)]",
            method: "extern \"C\" fn",
            text: "stabby::str::Str<'_>",
            bytes: "stabby::slice::Slice<'_, u8>",
            vector: "stabby::vec::Vec<u8>",
            made: "vec![7; self.0 as usize].as_slice().into()",
            class: "",
            export: "#[unsafe(no_mangle)]\n\
                     pub extern \"C\" fn make() -> stabby::dynptr!(stabby::boxed::Box<dyn Wide>) {\n    \
                     stabby::boxed::Box::new(One(1)).into()\n}",
        },
    ]
}
