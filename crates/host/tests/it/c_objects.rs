//! A plugin in C with structs, an error of several forms and a callback, which was written from
//! docs/abi.md: it and its twin in Rust pass the same test, through the same trait.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use plugwright_host::{CallErrorKind, Handle};
use plugwright_manifest::embed::{BuildDef, Linkage, ProvidedDef, RecordDef};
use plugwright_manifest::{Description, c};
use plugwright_plugin::{CallError, Interface, InterfaceShape, Portable, interface};
use plugwright_testkit::cc;

use crate::Folder;
use crate::log::lines;

#[derive(Clone, Copy, Debug, PartialEq, Portable)]
enum Kind {
    Word,
    Number,
}

#[derive(Debug, PartialEq, Portable)]
struct Token {
    text: String,
    at: u64,
    kind: Kind,
    first: char,
    loud: bool,
    note: Option<String>,
}

#[derive(Debug, PartialEq, Portable)]
enum ScanError {
    Empty,
    TooLong { limit: u32, given: u64 },
    Refused(String),
    Call(CallError),
}

impl From<CallError> for ScanError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

#[interface(id = "org.example.watcher-of-words", version = "1.0")]
trait Watcher: Send + Sync {
    fn seen(&self, word: &str, index: u32) -> bool;
}

#[interface(id = "org.example.scanner", version = "1.1")]
trait Scanner: Send + Sync {
    const LONGEST: u32 = 100;
    fn scan(&self, input: &str, watcher: Box<dyn Watcher>) -> Result<Vec<Token>, ScanError>;
    fn limits(&self) -> (u32, Option<u64>);
    #[since("1.1")]
    fn words(&self, input: &str) -> usize {
        input.split_whitespace().count()
    }
}

struct Twin;

impl Scanner for Twin {
    fn scan(&self, input: &str, watcher: Box<dyn Watcher>) -> Result<Vec<Token>, ScanError> {
        if input.len() > 100 {
            let given = input.len() as u64;
            return Err(ScanError::TooLong { limit: 100, given });
        }
        let mut tokens = Vec::new();
        let mut at = 0;
        for word in input.split(' ') {
            let start = at;
            at += word.len() + 1;
            let Some(first) = word.chars().next() else {
                continue;
            };
            // What is a callback's own is a handle, wherever it came from.
            let index = u32::try_from(tokens.len()).expect("few");
            let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                watcher.seen(word, index)
            }));
            match seen {
                Ok(true) => {}
                Ok(false) => return Err(ScanError::Refused(word.to_owned())),
                Err(payload) => {
                    let error = payload.downcast::<CallError>().expect("a handle's failure");
                    return Err(ScanError::Call(*error));
                }
            }
            let is_number = first.is_ascii_digit();
            tokens.push(Token {
                text: word.to_owned(),
                at: start as u64,
                kind: if is_number { Kind::Number } else { Kind::Word },
                first,
                loud: first.is_ascii_uppercase(),
                note: is_number.then(|| "digits".to_owned()),
            });
        }
        if tokens.is_empty() {
            return Err(ScanError::Empty);
        }
        Ok(tokens)
    }

    fn limits(&self) -> (u32, Option<u64>) {
        (100, Some(101))
    }
}

/// What is made of an interface that was read stays for ever, and here, where the leak checker sees it.
static KEPT: Mutex<Vec<(RecordDef, [&InterfaceShape; 2])>> = Mutex::new(Vec::new());

/// The plugin in C, compiled with what is made of the two interfaces as they are saved.
fn scanner() -> PathBuf {
    fn saved<T: ?Sized + Interface>() -> Description {
        let saved = plugwright_plugin::description::<T>();
        Description::from_json(&saved).expect("just saved")
    }
    let scanner = saved::<dyn Scanner>();
    let whole = scanner.schema.to_shape();
    let mut shape = *whole;
    // It was made when the interface was at 1.0, before there were words.
    shape.version.minor = 0;
    shape.methods = &shape.methods[..3];
    let provided = ProvidedDef {
        interface: Box::leak(Box::new(shape)),
        keys: &["c"],
        rank: 0,
        metadata: &[],
    };
    let record = RecordDef {
        entry: "plugwright_entry_scan_c",
        id: "org.example.scan-c",
        version: "1.0.0",
        crate_name: "scan_c",
        linkage: Linkage::Cdylib,
        provides: Box::leak(Box::new([provided])),
        singleton: false,
        configurable: false,
        capabilities: &[],
        build: BuildDef {
            abi: scanner.abi,
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
    };
    let watcher = saved::<dyn Watcher>().schema.to_shape();
    let made = c::header(&record, &[watcher]).expect("small enough");
    let mut kept = KEPT.lock().expect("no panic");
    kept.push((record, [whole, watcher]));
    drop(kept);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(here.join(path)).expect("readable");
    let header = read("../plugin/include/plugwright_plugin.h");
    let source = read("../../fixtures/c/scan.c").replace("#include \"plugwright_plugin.h\"\n", "");
    // Both headers stand in the source, so that a changed one is compiled anew. The callback's
    // table is for who gives such objects.
    let used = "static const void *unused(void) { return &plugin_interface_uses_0; }\n\
                const void *(*const plugwright_unused)(void) = unused;\n";
    let source = format!("{header}\n{made}\n{used}{source}");
    let arguments = ["-Wextra", "-pedantic", "-Werror", "-std=c11"].map(OsStr::new);
    cc::shared("libscan_c.so", &source, &arguments)
}

struct Watching {
    seen: Arc<Mutex<Vec<(String, u32)>>>,
    alive: Arc<AtomicUsize>,
}

impl Watcher for Watching {
    fn seen(&self, word: &str, index: u32) -> bool {
        assert!(word != "panic", "no such word");
        let mut seen = self.seen.lock().expect("whole");
        seen.push((word.to_owned(), index));
        word != "stop"
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

fn conforms(scanner: &Handle<dyn Scanner>) {
    let (seen, alive) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
    let scan = |input: &str| {
        alive.fetch_add(1, Ordering::SeqCst);
        let watcher = Watching {
            seen: Arc::clone(&seen),
            alive: Arc::clone(&alive),
        };
        scanner.scan(input, Box::new(watcher))
    };
    let token = |text: &str, at, kind, note: Option<&str>| Token {
        text: text.to_owned(),
        at,
        kind,
        first: text.chars().next().expect("not empty"),
        loud: text.starts_with(char::is_uppercase),
        note: note.map(str::to_owned),
    };
    assert_eq!(
        scan("hello 42  Ada"),
        Ok(vec![
            token("hello", 0, Kind::Word, None),
            token("42", 6, Kind::Number, Some("digits")),
            token("Ada", 10, Kind::Word, None),
        ])
    );
    let words = ["hello", "42", "Ada"].map(str::to_owned);
    let expected: Vec<_> = words.into_iter().zip(0..).collect();
    assert_eq!(*seen.lock().expect("whole"), expected);
    assert_eq!(scan(""), Err(ScanError::Empty));
    assert_eq!(scan(" "), Err(ScanError::Empty));
    let long = "a ".repeat(60);
    let (limit, given) = (100, 120);
    assert_eq!(scan(&long), Err(ScanError::TooLong { limit, given }));
    assert_eq!(scan("1 stop 2"), Err(ScanError::Refused("stop".to_owned())));
    let Err(ScanError::Call(error)) = scan("1 panic 2") else {
        panic!("the failure of the callback did not arrive");
    };
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(
        (error.method(), error.message()),
        ("Watcher::seen", "no such word")
    );
    assert_eq!(scanner.limits(), (100, Some(101)));
    assert_eq!(scanner.words("a b c"), 3, "answered here, if need be");
    assert_eq!(<dyn Scanner>::LONGEST, 100);
    assert_eq!(
        alive.load(Ordering::SeqCst),
        0,
        "every watcher was given back"
    );
}

#[test]
fn the_scanner_in_c_conforms() {
    let folder = Folder::new();
    std::fs::copy(scanner(), folder.join("libscan_c.so")).expect("copied");
    let host = folder.host();
    let scanner: Handle<dyn Scanner> = host.create("c").expect("it fits");
    conforms(&scanner);
    assert_eq!(scanner.close(), Ok(()));
}

/// What its host does for it, by the types of the header.
#[test]
fn the_scanner_in_c_has_a_folder() {
    let folder = Folder::new();
    std::fs::copy(scanner(), folder.join("libscan_c.so")).expect("copied");
    let told = |builder: plugwright_host::HostBuilder| {
        let lines = lines(tracing::Level::INFO, || {
            let scanner: Handle<dyn Scanner> = builder.scan().create("c").expect("it fits");
            drop(scanner);
        });
        let [line] = lines.as_slice() else {
            panic!("one line: {lines:?}");
        };
        let line = line
            .strip_prefix("INFO message=")
            .expect("the message first");
        line.split(" plugin=").next().unwrap_or_default().to_owned()
    };
    let data = folder.join("data");
    let own = data.join("org.example.scan-c");
    assert_eq!(
        told(folder.builder().data_below(&data)),
        own.display().to_string()
    );
    assert!(own.is_dir());
    assert_eq!(told(folder.builder()), "no folder");
    std::fs::remove_dir(&own).expect("removed");
    std::fs::write(&own, "").expect("written");
    let failed = told(folder.builder().data_below(&data));
    assert!(
        failed.ends_with("something that is no folder is in its place"),
        "{failed}"
    );
}

#[test]
fn its_twin_in_rust_conforms() {
    // Given away and taken back as any other object, so that it is called as a plugin's.
    let twin: Box<dyn Scanner> = Box::new(Twin);
    let object = twin.into_abi();
    // SAFETY: given away just now, and taken over once.
    let twin = unsafe { Box::<dyn Scanner>::from_abi(object) }.expect("it fits");
    conforms(twin.as_handle().expect("what arrives is a handle"));
}
