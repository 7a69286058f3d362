//! A call into a plugin: Plugwright beside its peers, all in one library and in one run.

use std::hint::black_box;

use abi_stable::sabi_trait::TD_Opaque;
use peers_interface::ours::Adder;
use peers_interface::stabby_adder::AdderDyn;
use peers_interface::{abi_stable_adder, cglue_adder, ours, stabby_adder};
use plugwright_benches::{Contestant, markdown, race};
use plugwright_host::{Handle, Host, InProcess};

const CALLS: u64 = 200_000;
const CALLBACKS: u64 = 1_000_000;

fn main() {
    let program = std::env::current_exe().expect("the bench has a path");
    let library = program.with_file_name("libpeers_plugin.so");
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::copy(&library, folder.path().join("libpeers_plugin.so")).expect("built before");

    // SAFETY: the plugin is our own.
    let token = unsafe { InProcess::trust_plugins() };
    let host = Host::developer()
        .folder(folder.path())
        .in_process(token)
        .scan();
    let create = || host.create::<dyn Adder>("adder").expect("it fits");
    let handle: Handle<dyn Adder> = create();

    // SAFETY: as above.
    let loaded = unsafe { libloading::Library::new(&library) }.expect("it loads");
    // SAFETY: in this block, the types are those of the plugin, built by the same compiler.
    let (plain, function, abi_stable, stabby, cglue) = unsafe {
        type AbiStable = abi_stable_adder::Adder_TO<'static, abi_stable::std_types::RBox<()>>;
        (
            loaded
                .get::<extern "C" fn() -> Box<dyn ours::Adder>>(b"peers_plain")
                .expect("exported"),
            loaded
                .get::<extern "C" fn(u64) -> u64>(b"peers_function")
                .expect("exported"),
            loaded
                .get::<extern "C" fn() -> AbiStable>(b"peers_abi_stable")
                .expect("exported"),
            loaded
                .get::<extern "C" fn() -> stabby_adder::Object>(b"peers_stabby")
                .expect("exported"),
            loaded
                .get::<extern "C" fn() -> cglue_adder::AdderBox<'static>>(b"peers_cglue")
                .expect("exported"),
        )
    };
    let (boxed, sabi, stab, glue) = (plain(), abi_stable(), stabby(), cglue());

    use cglue_adder::Adder as _;
    print(&markdown(
        "a call with a u64, in a chain",
        &race(
            vec![
                numbers("`Box<dyn>` of the same cdylib", |n| {
                    black_box(&boxed).add(n)
                }),
                numbers("Plugwright", |n| ours::Adder::add(black_box(&handle), n)),
                numbers("a symbol, by libloading", |n| black_box(&function)(n)),
                numbers("abi_stable", |n| black_box(&sabi).add(n)),
                numbers("stabby", |n| black_box(&stab).add(n)),
                numbers("cglue", |n| black_box(&glue).add(n)),
            ],
            301,
        ),
    ));
    for length in [4, 1024] {
        let data = vec![1_u8; length];
        print(&markdown(
            &format!("a call with a slice of {length} bytes"),
            &race(
                vec![
                    numbers("`Box<dyn>` of the same cdylib", |n| {
                        n ^ black_box(&boxed).sum(black_box(&data))
                    }),
                    numbers("Plugwright", |n| {
                        n ^ ours::Adder::sum(black_box(&handle), black_box(&data))
                    }),
                    numbers("abi_stable", |n| {
                        n ^ black_box(&sabi).sum(black_box(&data)[..].into())
                    }),
                    numbers("stabby", |n| {
                        n ^ black_box(&stab).sum(black_box(&data)[..].into())
                    }),
                    numbers("cglue", |n| n ^ black_box(&glue).sum(black_box(&data))),
                ],
                if length < 100 { 301 } else { 31 },
            ),
        ));
    }
    for text in ["four", "a text of forty bytes, as names of files"] {
        let length = text.len();
        print(&markdown(
            &format!("a call with a text of {length} bytes (Plugwright checks that it is UTF-8)"),
            &race(
                vec![
                    numbers("`Box<dyn>` of the same cdylib", |n| {
                        n ^ black_box(&boxed).measure(black_box(text))
                    }),
                    numbers("Plugwright", |n| {
                        n ^ ours::Adder::measure(black_box(&handle), black_box(text))
                    }),
                    numbers("abi_stable", |n| {
                        n ^ black_box(&sabi).measure(black_box(text).into())
                    }),
                    numbers("stabby", |n| {
                        n ^ black_box(&stab).measure(black_box(text).into())
                    }),
                    numbers("cglue", |n| n ^ black_box(&glue).measure(black_box(text))),
                ],
                301,
            ),
        ));
    }
    print(&markdown(
        "1,000,000 callbacks, time for each",
        &race(
            vec![
                callbacks("`Box<dyn>` of this program", || {
                    boxed.repeat(Box::new(Plus(black_box(1))), CALLBACKS)
                }),
                callbacks("Plugwright, `Box<dyn>`", || {
                    ours::Adder::repeat(&handle, Box::new(Plus(black_box(1))), CALLBACKS)
                }),
                callbacks("abi_stable", || {
                    let sink =
                        abi_stable_adder::Sink_TO::from_value(Plus(black_box(1)), TD_Opaque);
                    sabi.repeat(sink, CALLBACKS)
                }),
                callbacks("stabby", || {
                    let sink = stabby::boxed::Box::new(Plus(black_box(1)));
                    stab.repeat(sink.into(), CALLBACKS)
                }),
            ],
            31,
        ),
    ));
    print(&markdown(
        "a call that returns 1 MiB",
        &race(
            vec![
                some("`Box<dyn>` of the same cdylib", 20, || boxed.bytes(1 << 20)),
                some("Plugwright, `Vec<u8>`: one copy", 20, || {
                    ours::Adder::bytes(&handle, 1 << 20)
                }),
                some("Plugwright, `Buffer`: none", 20, || {
                    ours::Adder::buffer(&handle, 1 << 20)
                }),
                some("abi_stable, `RVec`: none", 20, || sabi.bytes(1 << 20)),
                some("stabby, its own `Vec`: none", 20, || stab.bytes(1 << 20)),
            ],
            31,
        ),
    ));
    print(&markdown(
        "making an object and dropping it",
        &race(
            vec![
                some("`Box<dyn>` of the same cdylib", 2_000, || plain()),
                some("Plugwright, as a method's result", 2_000, || {
                    ours::Adder::make(&handle)
                }),
                some(
                    "Plugwright: found by key, made, started, stopped",
                    2_000,
                    create,
                ),
                some("abi_stable", 2_000, || abi_stable()),
                some("stabby", 2_000, || stabby()),
                some("cglue", 2_000, || cglue()),
            ],
            101,
        ),
    ));
    drop((boxed, sabi, stab, glue));
}

/// What each side calls back.
struct Plus(u64);

impl ours::Sink for Plus {
    fn put(&self, number: u64) -> u64 {
        number.wrapping_add(self.0)
    }
}

impl abi_stable_adder::Sink for Plus {
    fn put(&self, number: u64) -> u64 {
        number.wrapping_add(self.0)
    }
}

impl stabby_adder::Sink for Plus {
    extern "C" fn put(&self, number: u64) -> u64 {
        number.wrapping_add(self.0)
    }
}

fn callbacks<'a>(name: &'a str, call: impl Fn() -> u64 + 'a) -> Contestant<'a> {
    Contestant {
        name,
        round: Box::new(move || {
            black_box(call());
            CALLBACKS
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

fn some<'a, T: 'a>(name: &'a str, count: u64, call: impl Fn() -> T + 'a) -> Contestant<'a> {
    Contestant {
        name,
        round: Box::new(move || {
            for _ in 0..count {
                black_box(call());
            }
            count
        }),
    }
}

fn print(text: &str) {
    println!("{text}");
}
