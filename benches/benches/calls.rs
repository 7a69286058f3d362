//! A call into a plugin: a handle beside `dyn` and a function of the same library. Other crates
//! that do the same are in `benches/peers`.

use std::hint::black_box;

use fixture_adder_interface::{Adder, Sink};
use plugwright_benches::{Contestant, markdown, race};
use plugwright_host::{Handle, Host, InProcess};

const CALLS: u64 = 200_000;
const CALLBACKS: u64 = 1_000_000;

fn main() {
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
            numbers("Box<dyn Adder> of the same cdylib", |n| {
                black_box(&peer).add(n)
            }),
            numbers("Handle<dyn Adder>", |n| black_box(&handle).add(n)),
            numbers("Handle::try_add", |n| {
                black_box(&handle).try_add(n).unwrap_or(0)
            }),
            numbers("Box<dyn Adder> of a Handle", |n| black_box(&boxed).add(n)),
            numbers("libloading symbol", |n| black_box(&function)(n)),
        ],
        301,
    );
    print(&markdown("a dependent chain of calls with a u64", &results));

    for length in [4, 1024] {
        let data = vec![1_u8; length];
        let results = race(
            vec![
                numbers("Box<dyn Adder> of the same cdylib", |n| {
                    n ^ black_box(&peer).sum(black_box(&data))
                }),
                numbers("Handle<dyn Adder>", |n| {
                    n ^ black_box(&handle).sum(black_box(&data))
                }),
            ],
            if length < 100 { 301 } else { 31 },
        );
        print(&markdown(
            &format!("a call with a slice of {length} bytes"),
            &results,
        ));
    }

    for text in [
        "four",
        "Grüße",
        "a text of forty bytes, as names of files",
        &"1 KiB of text. ".repeat(68),
    ] {
        let results = race(
            vec![
                numbers("Box<dyn Adder> of the same cdylib", |n| {
                    n ^ black_box(&peer).measure(black_box(text))
                }),
                numbers("Handle<dyn Adder>, which checks the text", |n| {
                    n ^ black_box(&handle).measure(black_box(text))
                }),
            ],
            301,
        );
        let kind = if text.is_ascii() { "ASCII" } else { "UTF-8" };
        let length = text.len();
        print(&markdown(
            &format!("a call with a text of {length} bytes of {kind}"),
            &results,
        ));
    }

    let results = race(
        vec![
            many(
                "Box<dyn Sink> of this program, called by the cdylib",
                || peer.repeat(Box::new(Plus(black_box(1))), CALLBACKS),
            ),
            many("the same through Handle<dyn Adder>", || {
                handle.repeat(Box::new(Plus(black_box(1))), CALLBACKS)
            }),
        ],
        31,
    );
    print(&markdown("1,000,000 callbacks, time for each", &results));

    let results = race(
        vec![
            objects("Box<dyn Adder>, made by the same cdylib", || peer.make()),
            objects("the same through Handle<dyn Adder>", || handle.make()),
            objects(
                "Host::create: found by its key, made, started, stopped",
                || -> Box<dyn Adder> {
                    Box::new(host.create::<dyn Adder>("adder").expect("it fits"))
                },
            ),
        ],
        101,
    );
    print(&markdown("an object made and dropped", &results));

    large(&*peer, &handle, "a result of 1 MiB");
    // A second megabyte beside the first is more than the system's allocator keeps when both
    // are given back: the rest of the difference above is pages that are touched for the first
    // time, again and again. A program that holds more memory than that does not pay it.
    // SAFETY: it sets a number of the allocator's, which any value is allowed for.
    let set = unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, 64 << 20) };
    assert_eq!(set, 1, "the C library is glibc");
    large(
        &*peer,
        &handle,
        "a result of 1 MiB, in memory that the process keeps",
    );

    // The peer's code must stay loaded until its object is gone.
    drop(peer);
}

/// What 1 MiB costs that a method returns.
fn large(peer: &dyn Adder, handle: &Handle<dyn Adder>, title: &str) {
    let results = race(
        vec![
            megabytes("Box<dyn Adder> of the same cdylib", || {
                black_box(peer).bytes(1 << 20)
            }),
            megabytes("Handle<dyn Adder>, one copy", || {
                black_box(handle).bytes(1 << 20)
            }),
            megabytes("Handle<dyn Adder>, as a Buffer", || {
                black_box(handle).buffer(1 << 20)
            }),
        ],
        101,
    );
    print(&markdown(title, &results));
}

/// What the plugin calls.
struct Plus(u64);

impl Sink for Plus {
    fn put(&self, number: u64) -> u64 {
        number.wrapping_add(self.0)
    }
}

fn many<'a>(name: &'a str, call: impl Fn() -> u64 + 'a) -> Contestant<'a> {
    Contestant {
        name,
        round: Box::new(move || {
            black_box(call());
            CALLBACKS
        }),
    }
}

fn objects<'a>(name: &'a str, make: impl Fn() -> Box<dyn Adder> + 'a) -> Contestant<'a> {
    Contestant {
        name,
        round: Box::new(move || {
            for _ in 0..2_000 {
                black_box(make());
            }
            2_000
        }),
    }
}

fn numbers<'a>(name: &'a str, call: impl Fn(u64) -> u64 + 'a) -> Contestant<'a> {
    Contestant {
        name,
        round: Box::new(move || {
            let mut number = 0;
            for _ in 0..CALLS {
                number = call(number);
            }
            black_box(number);
            CALLS
        }),
    }
}

fn megabytes<'a, B: 'a>(name: &'a str, call: impl Fn() -> B + 'a) -> Contestant<'a> {
    Contestant {
        name,
        round: Box::new(move || {
            for _ in 0..20 {
                black_box(call());
            }
            20
        }),
    }
}

#[expect(clippy::print_stdout, reason = "a bench's result is what it prints")]
fn print(text: &str) {
    println!("{text}");
}
