//! A plugin in C passes the same conformance test as its twin in Rust.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::Path;

use fixture_greeter::{Greeter, Outcome, Refusal};
use plugwright_host::{CallErrorKind, Handle};
use plugwright_manifest::embed::{self, BuildDef, Linkage, Notes, ProvidedDef, RecordDef};
use plugwright_plugin::Interface;
use plugwright_testkit::cc;

use crate::Folder;

const DEF: RecordDef = RecordDef {
    entry: "plugwright_entry_hello_c",
    id: "org.example.hello-c",
    version: "2.0.0",
    crate_name: "hello_c",
    linkage: Linkage::Cdylib,
    provides: &[ProvidedDef {
        interface: <dyn Greeter as Interface>::SHAPE,
        keys: &["c"],
        rank: 0,
        metadata: &[],
    }],
    singleton: false,
    configurable: false,
    build: BuildDef {
        abi: plugwright_plugin::abi::ABI,
        target: "c",
        profile: "release",
        rustc: "cc",
        panic_abort: false,
        unloadable: false,
    },
    name: "Hello from C",
    description: "",
    license: "MIT OR Apache-2.0",
    authors: "",
    homepage: "",
    metadata: &[],
};
const S: usize = embed::summary_note_size(&DEF);
const D: usize = embed::detail_note_size(&DEF);
static NOTES: Notes<S, D> = embed::notes(&DEF);

/// The C plugin, compiled with its record and the interface's fingerprints.
fn plugin() -> std::path::PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = here.join("../../fixtures/c/hello.c");
    let include = here.join("../plugin/include");
    let source = std::fs::read_to_string(source).expect("readable");
    let header = std::fs::read_to_string(include.join("plugwright_plugin.h")).expect("readable");
    let numbers = |separated: &mut String, number: String| {
        write!(separated, "{number},").expect("memory");
    };
    let (mut record, mut fingerprints) = (String::new(), String::new());
    for byte in NOTES.to_bytes() {
        numbers(&mut record, byte.to_string());
    }
    for method in <dyn Greeter as Interface>::SHAPE.methods {
        numbers(&mut fingerprints, format!("{:#x}", method.fingerprint()));
    }
    // The header stands in the source, so that a changed header is compiled anew.
    let source = format!(
        "#define RECORD {record}\n#define FINGERPRINTS {fingerprints}\n#define ID \"{}\"\n\
         #define VERSION \"{}\"\n{header}\n{source}",
        DEF.id, DEF.version
    );
    let include = include.into_os_string();
    let arguments = [
        OsStr::new("-Wextra"),
        OsStr::new("-pedantic"),
        OsStr::new("-I"),
        &include,
    ];
    cc::shared("libhello_c.so", &source, &arguments)
}

fn conforms(create: impl Fn() -> Handle<dyn Greeter>, id: &str) {
    let handle = create();
    assert_eq!(handle.greet("Ada"), "Hello, Ada!");
    assert_eq!(handle.greet(""), "Hello, !");
    assert_eq!(handle.greet(&"x".repeat(100_000)).len(), 100_008);
    assert_eq!(handle.count(), 3);
    assert_eq!(handle.clone().count(), 3);
    assert_eq!(handle.try_hard(Outcome::Succeed), Ok(7));
    let refused = Refusal::Unwilling {
        because: "not today".to_owned(),
    };
    assert_eq!(handle.try_hard(Outcome::Refuse), Err(refused));
    let Err(Refusal::Call(error)) = handle.try_hard(Outcome::Panic) else {
        panic!("the failure did not arrive");
    };
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!((error.plugin(), error.message()), (id, "no voice"));
    let error = handle.try_count().expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    assert_eq!(create().count(), 0, "another object is not");
    assert_eq!(handle.close(), Ok(()));
}

#[test]
fn the_plugin_in_c_conforms() {
    let folder = Folder::new();
    std::fs::copy(plugin(), folder.join("libhello_c.so")).expect("copied");
    let host = folder.host();
    let listed = host.plugins().next().expect("one plugin");
    assert_eq!(listed.id().as_str(), "org.example.hello-c");
    conforms(|| host.create("c").expect("it fits"), "org.example.hello-c");
}

#[test]
fn its_twin_in_rust_conforms() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    conforms(|| host.create("en").expect("it fits"), "org.example.hello");
}
