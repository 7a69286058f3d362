//! Unmapping: it happens when it is asked for and possible, and the truth is told when it is not.

use crate::child::{alone, spawn};
use crate::{numbered, os, seal};
use plugwright_dylib::{
    Hints, Image, Library, Request, Unloadable, UnmapToken, Unmapping, Why, loaded_images,
};
use plugwright_testkit::cc;
use std::ffi::c_int;
use std::path::{Path, PathBuf};

pub(crate) fn open(path: &Path) -> Unloadable {
    // SAFETY: every library in these tests has harmless constructors or none.
    unsafe { Unloadable::open(&Request::path(path), Hints::new()) }.unwrap()
}

pub(crate) fn load(image: Image) -> Unloadable {
    // SAFETY: as above.
    unsafe { Unloadable::load(image, Hints::new()) }.unwrap()
}

pub(crate) fn call(library: &Unloadable, name: &std::ffi::CStr) -> c_int {
    // SAFETY: all functions of these fixtures that are called this way have this type.
    let function = unsafe { library.function::<extern "C" fn() -> c_int>(name) };
    function.unwrap()()
}

pub(crate) fn unmap(library: Unloadable) -> Unmapping {
    // SAFETY: nothing of these small C libraries is left when this is called, and they have no thread-local state but where
    // the test is about that.
    library.unmap(unsafe { UnmapToken::new() })
}

/// Takes back more opens of a library than there ever were.
pub(crate) fn close_often(path: &Path) {
    let text = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: it is loaded already.
    let theirs = unsafe { libc::dlopen(text.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
    assert!(!theirs.is_null());
    for _ in 0..9 {
        // SAFETY: it is not, but for a library that can never be unmapped: that is what this shows.
        unsafe { libc::dlclose(theirs) };
    }
}

fn is_loaded(name: &str) -> bool {
    loaded_images().iter().any(|image| {
        image
            .file
            .as_deref()
            .is_some_and(|file| file.to_str().unwrap().contains(name))
    })
}

fn still(why: Why) -> Unmapping {
    Unmapping::StillMapped { why: vec![why] }
}

#[track_caller]
fn check(result: &Unmapping, expected: &str) {
    let text = match result {
        Unmapping::StillMapped { why } => why
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" / "),
        other => format!("{other:?}"),
    };
    assert_eq!(text, expected);
}

#[test]
fn a_library_is_unmapped_when_that_is_asked_for_and_not_before() {
    alone(
        "unloading::a_library_is_unmapped_when_that_is_asked_for_and_not_before",
        || {
            let path = numbered(1);
            let library = open(&path);
            assert_eq!(call(&library, c"count"), 1);
            drop(library);
            assert!(is_loaded("libnumbered.so"));
            let library = open(&path);
            assert_eq!(call(&library, c"count"), 2);
            assert_eq!(unmap(library), Unmapping::Unmapped);
            assert!(!is_loaded("libnumbered.so"));
            let library = open(&path);
            assert_eq!(call(&library, c"count"), 1);
            assert_eq!(unmap(library), Unmapping::Unmapped);
            let sealed = load(seal(&path));
            assert!(is_loaded("memfd:libnumbered.so"));
            assert_eq!(unmap(sealed), Unmapping::Unmapped);
            assert!(!is_loaded("memfd:libnumbered.so"));
        },
    );
}

#[test]
fn other_objects_keep_it_and_the_last_one_unmaps() {
    alone(
        "unloading::other_objects_keep_it_and_the_last_one_unmaps",
        || {
            let path = numbered(1);
            let (first, second, third) = (open(&path), open(&path), open(&path));
            drop(third);
            assert_eq!(unmap(first), still(Why::Used { others: 1 }));
            assert_eq!(call(&second, c"number"), 1);
            assert_eq!(unmap(second), Unmapping::Unmapped);
        },
    );
}

#[test]
fn a_pinned_library_stays_whoever_opened_it_first() {
    alone(
        "unloading::a_pinned_library_stays_whoever_opened_it_first",
        || {
            let path = numbered(1);
            let first = open(&path);
            // SAFETY: it has no constructors.
            let pinned = unsafe { Library::open(&Request::path(&path), Hints::new()) }.unwrap();
            assert_eq!(unmap(first), still(Why::Pinned));
            drop(pinned);
            assert_eq!(unmap(open(&path)), still(Why::Pinned));
            assert!(is_loaded("libnumbered.so"));
        },
    );
}

#[test]
fn a_pinned_library_stays_even_if_others_close_it() {
    alone(
        "unloading::a_pinned_library_stays_even_if_others_close_it",
        || {
            let path = numbered(1);
            // SAFETY: it has no constructors.
            let pinned = unsafe { Library::open(&Request::path(&path), Hints::new()) }.unwrap();
            close_often(&path);
            assert_eq!(crate::call(&pinned, "number"), 1);
            assert!(is_loaded("libnumbered.so"));
        },
    );
}

#[test]
fn what_keeps_a_library_is_named() {
    alone("unloading::what_keeps_a_library_is_named", || {
        let stays = cc::shared(
            "libstays.so",
            "int number(void) { return 1; }",
            &[os("-Wl,-z,nodelete")],
        );
        check(
            &unmap(open(&stays)),
            "it was linked to stay (-z nodelete); link it without that",
        );

        let needed = cc::shared(
            "libneeded.so",
            "int needed(void) { return 7; }",
            &[os("-Wl,-soname,libneeded.so")],
        );
        let source = "int needed(void); int number(void) { return needed(); }";
        let needs = cc::shared("libneeds.so", source, &[needed.as_os_str()]);
        let needed = open(&needed);
        let needs_it = open(&needs);
        let text = format!("it is needed by [{needs:?}]; unmap those first");
        check(&unmap(needed), &text);
        assert_eq!(unmap(needs_it), Unmapping::Unmapped);

        // What g++ makes of an inline variable; the C compiler is asked for the same in assembly.
        let source = "__asm__(\".pushsection .data\\n.globl only\\n.type only, @gnu_unique_object\\n.size only, 4\\n\
                      only: .long 5\\n.popsection\"); extern int only; int number(void) { return only; }";
        let unique = open(&cc::shared("libunique.so", source, &[]));
        assert_eq!(call(&unique, c"number"), 5);
        check(
            &unmap(unique),
            "it defines symbols that are unique in the process; build it with -fno-gnu-unique",
        );
    });
}

#[test]
fn a_library_that_somebody_else_opened_is_still_mapped_and_that_is_said() {
    alone(
        "unloading::a_library_that_somebody_else_opened_is_still_mapped_and_that_is_said",
        || {
            let path = numbered(1);
            let text = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
            // SAFETY: it has no constructors.
            let theirs = unsafe { libc::dlopen(text.as_ptr(), libc::RTLD_NOW) };
            assert_eq!(unmap(open(&path)), still(Why::OpenedElsewhere));
            // SAFETY: this was opened above and is not used any more.
            unsafe { libc::dlclose(theirs) };
            assert!(!is_loaded("libnumbered.so"));
        },
    );
}

/// The dynamic linker knows a library by the first of its names, which need not be ours.
#[test]
fn a_library_that_somebody_else_opened_by_another_name_is_still_mapped() {
    alone(
        "unloading::a_library_that_somebody_else_opened_by_another_name_is_still_mapped",
        || {
            let temp = tempfile::tempdir().unwrap();
            let (first, second) = (temp.path().join("first.so"), temp.path().join("second.so"));
            std::fs::copy(numbered(1), &first).unwrap();
            std::fs::hard_link(&first, &second).unwrap();
            let text = std::ffi::CString::new(first.to_str().unwrap()).unwrap();
            // SAFETY: it has no constructors.
            let theirs = unsafe { libc::dlopen(text.as_ptr(), libc::RTLD_NOW) };
            assert_eq!(unmap(open(&second)), still(Why::OpenedElsewhere));
            assert!(is_loaded("first.so"));
            let again = open(&second);
            // SAFETY: this was opened above and is not used any more.
            unsafe { libc::dlclose(theirs) };
            assert_eq!(unmap(again), Unmapping::Unmapped);
        },
    );
}

#[test]
fn a_destructor_of_a_thread_that_still_runs_keeps_it() {
    alone(
        "unloading::a_destructor_of_a_thread_that_still_runs_keeps_it",
        || {
            // What a thread_local! with Drop registers.
            let source = "extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *); extern void *__dso_handle;\n\
                      static __thread volatile int local; static void end(void *unused) { (void)unused; local = 0; }\n\
                      int number(void) { return __cxa_thread_atexit_impl(end, 0, &__dso_handle); }";
            let library = open(&cc::shared("liblocal.so", source, &[]));
            assert_eq!(call(&library, c"number"), 0);
            assert_eq!(unmap(library), still(Why::ThreadLocal));
        },
    );
}

/// The library that this is about: an ordinary one in Rust, which merely calls `std::thread::current()`.
fn current() -> PathBuf {
    // A `cdylib` among the dev-dependencies lies beside the test program.
    let program = std::env::current_exe().unwrap();
    let path = program.with_file_name("libfixture_current.so");
    assert!(path.is_file(), "{} was not built", path.display());
    path
}

#[test]
fn the_default_survives_the_thread_that_ends_after_it_ran_plugin_code() {
    alone(
        "unloading::the_default_survives_the_thread_that_ends_after_it_ran_plugin_code",
        || {
            std::thread::spawn(|| {
                let library = crate::load(crate::in_place(&current()).unwrap()).unwrap();
                assert_eq!(crate::call(&library, "number"), 0);
            })
            .join()
            .unwrap();
        },
    );
}

/// What a loader does that closes when its object is dropped, in a child process, and the child dies.
#[test]
fn a_plain_dlclose_kills_the_thread_that_ends_later() {
    let test = "unloading::a_plain_dlclose_kills_the_thread_that_ends_later";
    dies_when_the_thread_ends(test, || {
        let text = std::ffi::CString::new(current().into_os_string().into_encoded_bytes()).unwrap();
        // SAFETY: the library has no constructors.
        let handle = unsafe { libc::dlopen(text.as_ptr(), libc::RTLD_NOW) };
        assert!(!handle.is_null());
        // SAFETY: the handle is open.
        let number = unsafe { libc::dlsym(handle, c"number".as_ptr()) };
        // SAFETY: that is the function's type.
        let number = unsafe {
            std::mem::transmute::<*mut std::ffi::c_void, extern "C" fn() -> c_int>(number)
        };
        assert_eq!(number(), 0);
        // SAFETY: it is not; that is what this shows.
        assert_eq!(unsafe { libc::dlclose(handle) }, 0);
    });
}

/// Why the token's contract says what it says: this breaks it, in a child process, and the child dies.
#[test]
fn an_unmapped_library_kills_the_thread_that_ends_later() {
    let test = "unloading::an_unmapped_library_kills_the_thread_that_ends_later";
    dies_when_the_thread_ends(test, || {
        let library = open(&current());
        assert_eq!(call(&library, c"number"), 0);
        assert_eq!(unmap(library), Unmapping::Unmapped);
    });
}

/// Runs `body` on a thread of a child process, and makes sure that the end of that thread is the end of the process.
#[track_caller]
#[expect(
    clippy::print_stderr,
    reason = "what could not be shown on this system is said"
)]
fn dies_when_the_thread_ends(test: &str, body: fn()) {
    let output = spawn(test, &[], || {
        std::thread::spawn(move || {
            body();
            assert!(!is_loaded("libfixture_current.so"));
            std::fs::write("/dev/stderr", "unmapped, and the thread ends\n").unwrap();
        })
        .join()
        .unwrap();
    });
    let Some(output) = output else { return };
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("unmapped, and the thread ends"),
        "{output:?}"
    );
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    // AddressSanitizer catches the signal and ends the process itself.
    let killed = signal == Some(libc::SIGSEGV) || error.contains("AddressSanitizer: SEGV");
    if cfg!(target_env = "gnu") {
        assert!(killed, "{output:?}");
    } else if !killed {
        eprintln!(
            "{test}: this system's C library survives it: {}",
            output.status
        );
    }
}
