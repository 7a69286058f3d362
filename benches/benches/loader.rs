//! Loading, unmapping, opening again and sealing, beside the dynamic linker's own functions and libloading.
//!
//! Prints Markdown tables: the first row of each is the yardstick.

use std::ffi::{CStr, CString, c_int, c_void};
use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use plugwright_benches::{Contestant, markdown, race, results};
use plugwright_dylib::{Hints, Image, Library, Request, Unloadable, UnmapToken, Unmapping};
use plugwright_testkit::cc;

type Number = unsafe extern "C" fn() -> c_int;

const SOURCE: &str =
    "static int calls; int count(void) { return ++calls; } int number(void) { return 5; }";

/// How many files are loaded once each, and stay.
const FILES: usize = 200;

fn main() {
    if let Ok(name) = std::env::var(CHILD) {
        return child(&name);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let small = folder.path().join("libsmall.so");
    fs::copy(cc::shared("libsmall.so", SOURCE, &[]), &small).expect("copied");

    // While nothing else is loaded: every name that the dynamic linker knows is compared with each that it is given.
    unmapping(&small);
    opening_again(&small);
    calling(&small);
    sealing(folder.path());
    first_loads(folder.path(), &small);
}

/// Open, one symbol, one call, unmap.
fn unmapping(path: &Path) {
    const TIMES: u64 = 10;
    let text = c_string(path);
    let repeat = |mut once: Box<dyn FnMut()>| -> Box<dyn FnMut() -> u64> {
        Box::new(move || {
            for _ in 0..TIMES {
                once();
            }
            TIMES
        })
    };
    let request = Request::path(path);
    let (path, other, text_too) = (path.to_owned(), path.to_owned(), text.clone());
    let results = race(
        vec![
            Contestant {
                name: "libloading: `Library::open`, `get`, `close`",
                round: repeat(Box::new(move || {
                    // SAFETY: a small C library without constructors.
                    let library = unsafe { peer(&path) };
                    // SAFETY: its type in the source above.
                    let number = unsafe { library.get::<Number>(b"number\0") }.expect("exported");
                    // SAFETY: it has no preconditions.
                    black_box(unsafe { number() });
                    library.close().expect("closed");
                })),
            },
            Contestant {
                name: "`dlopen`, `dlsym`, `dlclose`",
                round: repeat(Box::new(move || {
                    let handle = raw(&text);
                    black_box(raw_call(handle, c"number"));
                    // SAFETY: nothing of the library is used any more.
                    assert_eq!(unsafe { libc::dlclose(handle) }, 0);
                })),
            },
            Contestant {
                name: "`stat`, `dlopen`, `dlsym`, `dlclose`",
                round: repeat(Box::new(move || {
                    black_box(fs::metadata(&other).expect("it is there").len());
                    let handle = raw(&text_too);
                    black_box(raw_call(handle, c"number"));
                    // SAFETY: nothing of the library is used any more.
                    assert_eq!(unsafe { libc::dlclose(handle) }, 0);
                })),
            },
            Contestant {
                name: "`Unloadable::open`, `function`, `unmap`",
                round: repeat(Box::new(move || {
                    // SAFETY: a small C library without constructors.
                    let library =
                        unsafe { Unloadable::open(&request, Hints::new()) }.expect("it loads");
                    // SAFETY: its type in the source above.
                    let number =
                        unsafe { library.function::<Number>(c"number") }.expect("exported");
                    // SAFETY: it has no preconditions.
                    black_box(unsafe { number() });
                    unmap(library);
                })),
            },
        ],
        2001,
    );
    print("Open, look up, call, unmap", &results);
}

/// Opening what is loaded already.
fn opening_again(path: &Path) {
    const TIMES: u64 = 500;
    let request = Request::path(path);
    // SAFETY: a small C library without constructors.
    let kept = unsafe { Library::open(&request, Hints::new()) }.expect("it loads");
    let results = race(
        vec![
            Contestant {
                name: "`stat` of the path alone",
                round: Box::new(|| {
                    for _ in 0..TIMES {
                        black_box(fs::metadata(black_box(path)).expect("it is there").len());
                    }
                    TIMES
                }),
            },
            Contestant {
                name: "`Library::open`",
                round: Box::new(|| {
                    for _ in 0..TIMES {
                        // SAFETY: as above.
                        black_box(
                            unsafe { Library::open(black_box(&request), Hints::new()) }
                                .expect("it is loaded"),
                        );
                    }
                    TIMES
                }),
            },
            Contestant {
                name: "libloading: `Library::open`, `close`",
                round: Box::new(|| {
                    for _ in 0..TIMES {
                        // SAFETY: as above.
                        unsafe { peer(black_box(path)) }.close().expect("closed");
                    }
                    TIMES
                }),
            },
        ],
        1001,
    );
    drop(kept);
    print("Opening a library that is loaded", &results);
}

/// Calling through what was looked up once.
fn calling(path: &Path) {
    const TIMES: u64 = 20_000;
    // SAFETY: a small C library without constructors.
    let library = unsafe { Library::open(&Request::path(path), Hints::new()) }.expect("it loads");
    // SAFETY: its type in the source above.
    let ours = unsafe { library.function::<Number>(c"count") }.expect("exported");
    let pointer: Number = raw_function(raw(&c_string(path)), c"count");
    // SAFETY: as above.
    let theirs = unsafe { peer(path) };
    // SAFETY: as above.
    let theirs = unsafe { theirs.get::<Number>(b"count\0") }.expect("exported");
    let calls = |function: Number| {
        for _ in 0..TIMES {
            // SAFETY: it has no preconditions.
            black_box(unsafe { black_box(function)() });
        }
        TIMES
    };
    let results = race(
        vec![
            Contestant {
                name: "a function pointer from `dlsym`",
                round: Box::new(|| calls(pointer)),
            },
            Contestant {
                name: "`Library::function`",
                round: Box::new(|| calls(ours)),
            },
            Contestant {
                name: "libloading: `Symbol`",
                round: Box::new(|| {
                    for _ in 0..TIMES {
                        // SAFETY: it has no preconditions.
                        black_box(unsafe { black_box(&theirs)() });
                    }
                    TIMES
                }),
            },
        ],
        501,
    );
    print("A call of a symbol that was looked up before", &results);
}

/// A sealed copy is made and loaded, and unmapped so that the next round starts anew.
fn sealing(folder: &Path) {
    for (title, bytes, rounds) in [
        ("Loading a library of 0.3 MB", 300_000, 101),
        ("Loading a library of 10 MB", 10_000_000, 31),
        ("Loading a library of 100 MB", 100_000_000, 11),
    ] {
        let path = folder.join(format!("libof{bytes}.so"));
        fs::copy(padded(bytes), &path).expect("copied");
        let text = c_string(&path);
        let file = File::open(&path).expect("readable");
        let name = path.file_name().expect("a name");
        let unloaded = |image: Image| {
            // SAFETY: a C library without constructors.
            let library = unsafe { Unloadable::load(image, Hints::new()) }.expect("it loads");
            unmap(library);
            1
        };
        let results = race(
            vec![
                Contestant {
                    name: "`dlopen`, `dlclose`",
                    round: Box::new(|| {
                        let handle = raw(&text);
                        // SAFETY: nothing of the library is used.
                        assert_eq!(unsafe { libc::dlclose(handle) }, 0);
                        1
                    }),
                },
                Contestant {
                    name: "the bytes read once, 256 KiB at a time",
                    round: Box::new(|| {
                        let mut buffer = vec![0; 256 * 1024];
                        let mut offset = 0;
                        loop {
                            let count =
                                std::os::unix::fs::FileExt::read_at(&file, &mut buffer, offset)
                                    .expect("readable");
                            if count == 0 {
                                return 1;
                            }
                            offset += count as u64;
                        }
                    }),
                },
                Contestant {
                    name: "in place: `Image::in_place`, `load`, `unmap`",
                    round: Box::new(|| {
                        let file = File::open(&path).expect("readable");
                        unloaded(Image::in_place(&path, file).expect("a library"))
                    }),
                },
                Contestant {
                    name: "sealed: `Image::seal`, `load`, `unmap`",
                    round: Box::new(|| {
                        let file = File::open(&path).expect("readable");
                        unloaded(Image::seal(&file, name).expect("sealed"))
                    }),
                },
            ],
            rounds,
        );
        print(title, &results);
        fs::remove_file(&path).expect("removed");
    }
}

/// Many files, each loaded once, nothing closed. Each round of each contestant is a process of its own: the more is loaded, the
/// longer the dynamic linker takes for the next.
fn first_loads(folder: &Path, library: &Path) {
    for number in 0..FILES {
        fs::copy(library, numbered(folder, number)).expect("copied");
    }
    let mut times = LOADERS.map(|(name, _)| (name, Vec::new()));
    for _ in 0..101 {
        for (name, times) in &mut times {
            times.push(in_child(name, folder));
        }
    }
    print(
        "The first load of each of 200 files, nothing closed",
        &results(times.into_iter()),
    );
}

fn numbered(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("libnumber{number}.so"))
}

type Load = fn(&Path);

/// The ways to load a file once, for a process of their own.
const LOADERS: [(&str, Load); 3] = [
    ("libloading: `Library::open`, forgotten", |path| {
        // SAFETY: a small C library without constructors.
        black_box(unsafe { peer(path) }.into_raw());
    }),
    ("`dlopen`", |path| {
        black_box(raw(&c_string(path)));
    }),
    ("`Library::open`", |path| {
        // SAFETY: as above.
        let library = unsafe { Library::open(&Request::path(path), Hints::new()) };
        black_box(library.expect("it loads"));
    }),
];

/// The variable that names the contestant of a child process.
const CHILD: &str = "PLUGWRIGHT_BENCH_LOADER";

/// What one load of the files below a folder takes in a process of its own, in nanoseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "a process that has loaded nothing yet can only be a new one"
)]
fn in_child(name: &str, folder: &Path) -> f64 {
    let program = std::env::current_exe().expect("the bench has a path");
    let output = Command::new(program)
        .arg(folder)
        .env(CHILD, name)
        .output()
        .expect("it starts");
    let text = String::from_utf8(output.stdout).expect("a number");
    text.trim().parse().expect("a number")
}

/// The child's part: loads everything and prints the time of one load.
#[expect(clippy::print_stdout, reason = "it tells its parent")]
fn child(name: &str) {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("a folder"));
    let paths: Vec<PathBuf> = (0..FILES).map(|number| numbered(&folder, number)).collect();
    let (_, load) = LOADERS
        .iter()
        .find(|(loader, _)| *loader == name)
        .expect("a contestant");
    let start = Instant::now();
    paths.iter().for_each(|path| load(path));
    println!("{}", start.elapsed().as_nanos() / FILES as u128);
}

fn unmap(library: Unloadable) {
    // SAFETY: nothing of the library is used any more, and it has no thread-local state.
    let result = library.unmap(unsafe { UnmapToken::new() });
    assert_eq!(result, Unmapping::Unmapped);
}

/// What libloading does, bound at once as here.
///
/// # Safety
/// The library's constructors must be fit to run.
unsafe fn peer(path: &Path) -> libloading::os::unix::Library {
    // SAFETY: the caller vouches for the library.
    unsafe { libloading::os::unix::Library::open(Some(path), libc::RTLD_NOW) }.expect("it loads")
}

fn raw(text: &CStr) -> *mut c_void {
    // SAFETY: only libraries of this bench are loaded, which have no constructors.
    let handle = unsafe { libc::dlopen(text.as_ptr(), libc::RTLD_NOW) };
    assert!(!handle.is_null(), "it loads");
    handle
}

fn raw_function(handle: *mut c_void, name: &CStr) -> Number {
    // SAFETY: the handle is open.
    let address = unsafe { libc::dlsym(handle, name.as_ptr()) };
    assert!(!address.is_null(), "exported");
    // SAFETY: its type in the source above.
    unsafe { std::mem::transmute::<*mut c_void, Number>(address) }
}

fn raw_call(handle: *mut c_void, name: &CStr) -> c_int {
    // SAFETY: it has no preconditions.
    unsafe { raw_function(handle, name)() }
}

/// A library with this many bytes of read-only data.
fn padded(bytes: u64) -> PathBuf {
    let source = format!(
        "__asm__(\".section .rodata\\n.globl padding\\npadding:\\n.rept {bytes} / 8\\n.quad 0x0123456789abcdef\\n.endr\\n.text\");\n{SOURCE}"
    );
    cc::shared("libpadded.so", &source, &[])
}

fn c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("no byte 0")
}

#[expect(clippy::print_stdout, reason = "a bench's result is what it prints")]
fn print(title: &str, results: &[plugwright_benches::Result]) {
    println!("{}", markdown(title, results));
}
