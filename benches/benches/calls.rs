//! A call into a plugin: a handle beside `dyn` and a function of the same library.

use std::hint::black_box;

use fixture_adder_interface::Adder;
use plugwright_benches::{Contestant, race, table};
use plugwright_host::{Handle, Host, InProcess};

const CALLS: u64 = 200_000;

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
    print(&table("a dependent chain of calls with a u64", &results));

    let data = [1_u8, 2, 3, 4];
    let results = race(
        vec![
            numbers("Box<dyn Adder> of the same cdylib", |n| {
                n ^ black_box(&peer).sum(black_box(&data))
            }),
            numbers("Handle<dyn Adder>", |n| {
                n ^ black_box(&handle).sum(black_box(&data))
            }),
        ],
        301,
    );
    print(&table("a call with a slice of 4 bytes", &results));

    let results = race(
        vec![
            megabytes("Box<dyn Adder> of the same cdylib", || {
                black_box(&peer).bytes(1 << 20)
            }),
            megabytes("Handle<dyn Adder>, one copy", || {
                black_box(&handle).bytes(1 << 20)
            }),
            megabytes("Handle<dyn Adder>, as a Buffer", || {
                black_box(&handle).buffer(1 << 20)
            }),
        ],
        31,
    );
    print(&table("a call that returns a Vec<u8> of 1 MiB", &results));

    // The peer's code must stay loaded until its object is gone.
    drop(peer);
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
