//! A call into a plugin: Plugwright beside its peers, all in one library and in one run.

use std::hint::black_box;

use abi_stable::sabi_trait::TD_Opaque;
use peers_interface::ours::Adder;
use peers_interface::stabby_adder::AdderDyn;
use peers_interface::{abi_stable_adder, cglue_adder, ours, stabby_adder};
use plugwright_benches::{Contestant, Result, over_processes, race};
use plugwright_host::{Handle, Host, InProcess};

const CALLBACKS: u64 = 1_000_000;

fn main() {
    over_processes(measure, print);
}

fn measure(show: &dyn Fn(&str, &[Result])) {
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
    show(
        "a call with a u64, in a chain",
        &race(
            vec![
                Contestant::chain("`Box<dyn>` of the same cdylib", |n| {
                    black_box(&boxed).add(n)
                }),
                Contestant::chain("Plugwright", |n| ours::Adder::add(black_box(&handle), n)),
                Contestant::chain("a symbol, by libloading", |n| black_box(&function)(n)),
                Contestant::chain("abi_stable", |n| black_box(&sabi).add(n)),
                Contestant::chain("stabby", |n| black_box(&stab).add(n)),
                Contestant::chain("cglue", |n| black_box(&glue).add(n)),
            ],
            301,
        ),
    );
    for length in [4, 1024] {
        let data = vec![1_u8; length];
        show(
            &format!("a call with a slice of {length} bytes"),
            &race(
                vec![
                    Contestant::chain("`Box<dyn>` of the same cdylib", |n| {
                        n ^ black_box(&boxed).sum(black_box(&data))
                    }),
                    Contestant::chain("Plugwright", |n| {
                        n ^ ours::Adder::sum(black_box(&handle), black_box(&data))
                    }),
                    Contestant::chain("abi_stable", |n| {
                        n ^ black_box(&sabi).sum(black_box(&data)[..].into())
                    }),
                    Contestant::chain("stabby", |n| {
                        n ^ black_box(&stab).sum(black_box(&data)[..].into())
                    }),
                    Contestant::chain("cglue", |n| n ^ black_box(&glue).sum(black_box(&data))),
                ],
                if length < 100 { 301 } else { 31 },
            ),
        );
    }
    for text in ["four", "a text of forty bytes, as names of files"] {
        let length = text.len();
        show(
            &format!("a call with a text of {length} bytes (Plugwright checks that it is UTF-8)"),
            &race(
                vec![
                    Contestant::chain("`Box<dyn>` of the same cdylib", |n| {
                        n ^ black_box(&boxed).measure(black_box(text))
                    }),
                    Contestant::chain("Plugwright", |n| {
                        n ^ ours::Adder::measure(black_box(&handle), black_box(text))
                    }),
                    Contestant::chain("abi_stable", |n| {
                        n ^ black_box(&sabi).measure(black_box(text).into())
                    }),
                    Contestant::chain("stabby", |n| {
                        n ^ black_box(&stab).measure(black_box(text).into())
                    }),
                    Contestant::chain("cglue", |n| n ^ black_box(&glue).measure(black_box(text))),
                ],
                301,
            ),
        );
    }
    show(
        "1,000,000 callbacks, time for each",
        &race(
            vec![
                Contestant::whole("`Box<dyn>` of this program", CALLBACKS, || {
                    boxed.repeat(Box::new(Plus(black_box(1))), CALLBACKS)
                }),
                Contestant::whole("Plugwright, `Box<dyn>`", CALLBACKS, || {
                    ours::Adder::repeat(&handle, Box::new(Plus(black_box(1))), CALLBACKS)
                }),
                Contestant::whole("abi_stable", CALLBACKS, || {
                    let sink = abi_stable_adder::Sink_TO::from_value(Plus(black_box(1)), TD_Opaque);
                    sabi.repeat(sink, CALLBACKS)
                }),
                Contestant::whole("stabby", CALLBACKS, || {
                    let sink = stabby::boxed::Box::new(Plus(black_box(1)));
                    stab.repeat(sink.into(), CALLBACKS)
                }),
            ],
            31,
        ),
    );
    show(
        "a call that returns 1 MiB",
        &race(
            vec![
                Contestant::repeated("`Box<dyn>` of the same cdylib", 20, || boxed.bytes(1 << 20)),
                Contestant::repeated("Plugwright, `Vec<u8>`: one copy", 20, || {
                    ours::Adder::bytes(&handle, 1 << 20)
                }),
                Contestant::repeated("Plugwright, `Buffer`: none", 20, || {
                    ours::Adder::buffer(&handle, 1 << 20)
                }),
                Contestant::repeated("abi_stable, `RVec`: none", 20, || sabi.bytes(1 << 20)),
                Contestant::repeated("stabby, its own `Vec`: none", 20, || stab.bytes(1 << 20)),
            ],
            31,
        ),
    );
    show(
        "making an object and dropping it",
        &race(
            vec![
                Contestant::repeated("`Box<dyn>` of the same cdylib", 2_000, || plain()),
                Contestant::repeated("Plugwright, as a method's result", 2_000, || {
                    ours::Adder::make(&handle)
                }),
                Contestant::repeated(
                    "Plugwright: found by key, made, started, stopped",
                    2_000,
                    create,
                ),
                Contestant::repeated("abi_stable", 2_000, || abi_stable()),
                Contestant::repeated("stabby", 2_000, || stabby()),
                Contestant::repeated("cglue", 2_000, || cglue()),
            ],
            101,
        ),
    );
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

fn print(text: &str) {
    println!("{text}");
}
