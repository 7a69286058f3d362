//! A call into a plugin: a handle beside `dyn` and a function of the same library. Other crates
//! that do the same are in `benches/peers`.

use std::hint::black_box;

use fixture_adder_interface::{Adder, Sink};
use plugwright_benches::{Contestant, Result, over_processes, race};
use plugwright_host::{Handle, Host, InProcess};

const CALLBACKS: u64 = 1_000_000;

fn main() {
    over_processes(measure, print);
}

fn measure(show: &dyn Fn(&str, &[Result])) {
    let program = std::env::current_exe().expect("the bench has a path");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = program.with_file_name("libfixture_adder.so");
    let copy = folder.path().join("libfixture_adder.so");
    std::fs::copy(&library, &copy).expect("built as a dev-dependency");

    // SAFETY: the fixture is our own.
    let token = unsafe { InProcess::trust_plugins() };
    let host = Host::developer()
        .folder(folder.path())
        .in_process(token)
        .scan();
    let handle: Handle<dyn Adder> = host.create("adder").expect("it fits");
    let boxed: Box<dyn Adder> = Box::new(host.create::<dyn Adder>("adder").expect("it fits"));

    // SAFETY: as above.
    let plain = unsafe { libloading::Library::new(&copy) }.expect("it loads");
    // SAFETY: the types are those of the fixture, built by the same compiler.
    let make = unsafe { plain.get::<fn() -> Box<dyn Adder>>(b"fixture_adder_plain") };
    let peer = make.expect("it is exported")();
    // SAFETY: as above.
    let function = unsafe { plain.get::<extern "C" fn(u64) -> u64>(b"fixture_adder_function") };
    let function = function.expect("it is exported");

    let results = race(
        vec![
            Contestant::chain("Box<dyn Adder> of the same cdylib", |n| {
                black_box(&peer).add(n)
            }),
            Contestant::chain("Handle<dyn Adder>", |n| black_box(&handle).add(n)),
            Contestant::chain("Handle::try_add", |n| {
                black_box(&handle).try_add(n).unwrap_or(0)
            }),
            Contestant::chain("Box<dyn Adder> of a Handle", |n| black_box(&boxed).add(n)),
            Contestant::chain("libloading symbol", |n| black_box(&function)(n)),
        ],
        301,
    );
    show("a dependent chain of calls with a u64", &results);

    for length in [4, 1024] {
        let data = vec![1_u8; length];
        let results = race(
            vec![
                Contestant::chain("Box<dyn Adder> of the same cdylib", |n| {
                    n ^ black_box(&peer).sum(black_box(&data))
                }),
                Contestant::chain("Handle<dyn Adder>", |n| {
                    n ^ black_box(&handle).sum(black_box(&data))
                }),
            ],
            if length < 100 { 301 } else { 31 },
        );
        show(&format!("a call with a slice of {length} bytes"), &results);
    }

    for text in [
        "four",
        "Grüße",
        "a text of forty bytes, as names of files",
        &"1 KiB of text. ".repeat(68),
    ] {
        let results = race(
            vec![
                Contestant::chain("Box<dyn Adder> of the same cdylib", |n| {
                    n ^ black_box(&peer).measure(black_box(text))
                }),
                Contestant::chain("Handle<dyn Adder>, which checks the text", |n| {
                    n ^ black_box(&handle).measure(black_box(text))
                }),
            ],
            301,
        );
        let kind = if text.is_ascii() { "ASCII" } else { "UTF-8" };
        let length = text.len();
        show(
            &format!("a call with a text of {length} bytes of {kind}"),
            &results,
        );
    }

    let results = race(
        vec![
            Contestant::whole(
                "Box<dyn Sink> of this program, called by the cdylib",
                CALLBACKS,
                || peer.repeat(Box::new(Plus(black_box(1))), CALLBACKS),
            ),
            Contestant::whole("the same through Handle<dyn Adder>", CALLBACKS, || {
                handle.repeat(Box::new(Plus(black_box(1))), CALLBACKS)
            }),
        ],
        31,
    );
    show("1,000,000 callbacks, time for each", &results);

    let results = race(
        vec![
            Contestant::repeated("Box<dyn Adder>, made by the same cdylib", 2_000, || {
                peer.make()
            }),
            Contestant::repeated("the same through Handle<dyn Adder>", 2_000, || {
                handle.make()
            }),
            Contestant::repeated(
                "Host::create: found by its key, made, started, stopped",
                2_000,
                || -> Box<dyn Adder> {
                    Box::new(host.create::<dyn Adder>("adder").expect("it fits"))
                },
            ),
        ],
        101,
    );
    show("an object made and dropped", &results);

    large(show, &*peer, &handle, "a result of 1 MiB");
    // A second megabyte beside the first is more than the system's allocator keeps when both
    // are given back: the rest of the difference above is pages that are touched for the first
    // time, again and again. A program that holds more memory than that does not pay it.
    // SAFETY: it sets a number of the allocator's, which any value is allowed for.
    let set = unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, 64 << 20) };
    assert_eq!(set, 1, "the C library is glibc");
    large(
        show,
        &*peer,
        &handle,
        "a result of 1 MiB, in memory that the process keeps",
    );

    // The peer's code must stay loaded until its object is gone.
    drop(peer);
}

/// What 1 MiB costs that a method returns.
fn large(
    show: &dyn Fn(&str, &[Result]),
    peer: &dyn Adder,
    handle: &Handle<dyn Adder>,
    title: &str,
) {
    let results = race(
        vec![
            Contestant::repeated("Box<dyn Adder> of the same cdylib", 20, || {
                black_box(peer).bytes(1 << 20)
            }),
            Contestant::repeated("Handle<dyn Adder>, one copy", 20, || {
                black_box(handle).bytes(1 << 20)
            }),
            Contestant::repeated("Handle<dyn Adder>, as a Buffer", 20, || {
                black_box(handle).buffer(1 << 20)
            }),
        ],
        101,
    );
    show(title, &results);
}

/// What the plugin calls.
struct Plus(u64);

impl Sink for Plus {
    fn put(&self, number: u64) -> u64 {
        number.wrapping_add(self.0)
    }
}

#[expect(clippy::print_stdout, reason = "a bench's result is what it prints")]
fn print(text: &str) {
    println!("{text}");
}
