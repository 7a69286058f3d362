//! Reading what plugins say of themselves: the quick path beside its peers.
//!
//! 1,000 copies of a real cdylib, warm. The peers find the same note: with the `object`
//! crate over a mapped file, with the `object` crate over a file read whole, and by loading
//! the library and looking up its entry.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection};
use plugwright_benches::{Contestant, race, table};
use plugwright_inspect::{Links, identity, open, open_at};
use plugwright_manifest::Summary;

const FILES: usize = 1_000;

fn main() {
    let program = std::env::current_exe().expect("the bench has a path");
    let library = program.with_file_name("libfixture_adder.so");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bytes = fs::read(&library).expect("built as a dev-dependency");
    let paths: Vec<PathBuf> = (0..FILES)
        .map(|index| {
            let path = folder.path().join(format!("libplugin{index:04}.so"));
            fs::write(&path, &bytes).expect("written");
            path
        })
        .collect();
    let results = race(
        vec![
            each("identity(): one open, one page", &paths, quick),
            Contestant {
                name: "the same, opened below the folder",
                round: Box::new(|| {
                    let root = fs::File::open(folder.path()).expect("readable");
                    for path in &paths {
                        let name = path.file_name().expect("a name");
                        let opened = open_at(&root, name, Links::Refuse).expect("readable");
                        assert_eq!(identity(&opened, Some(name)).images[0].records.len(), 1);
                    }
                    1_000
                }),
            },
            each("the floor: open, fstat, pread, close", &paths, floor),
            each("mmap + object crate, decoded the same", &paths, mapped),
            each("dlopen + dlsym + dlclose", &paths, loaded),
        ],
        21,
    );
    print(&format!(
        "a library of {} KB, {FILES} copies, time per file\n{}",
        bytes.len() / 1024,
        table("reading the manifest", &results)
    ));
}

fn each<'a>(name: &'a str, paths: &'a [PathBuf], read: fn(&Path) -> usize) -> Contestant<'a> {
    Contestant {
        name,
        round: Box::new(move || {
            let found: usize = paths.iter().map(|path| read(path)).sum();
            assert_eq!(found, paths.len(), "one plugin in each file");
            u64::try_from(paths.len()).unwrap_or_default()
        }),
    }
}

fn quick(path: &Path) -> usize {
    let opened = open(path, Links::Follow).expect("readable");
    let identity = identity(&opened, path.file_name());
    identity
        .images
        .iter()
        .map(|image| image.records.len())
        .sum()
}

/// What the system's calls alone cost.
fn floor(path: &Path) -> usize {
    let file = fs::File::open(path).expect("readable");
    let metadata = file.metadata().expect("known");
    let mut page = [0; 4096];
    let read = std::os::unix::fs::FileExt::read_at(&file, &mut page, 0).expect("readable");
    black_box(page);
    usize::from(read == page.len() && metadata.is_file())
}

fn mapped(path: &Path) -> usize {
    let file = fs::File::open(path).expect("readable");
    // SAFETY: the file is this bench's own, and nobody changes it.
    let bytes = unsafe { memmap2::Mmap::map(&file) }.expect("mappable");
    let object = object::File::parse(&*bytes).expect("a library");
    let section = object
        .section_by_name(".note.plugwright")
        .expect("a record");
    let notes = section.data().expect("its bytes");
    let length = u32::from_le_bytes(notes[4..8].try_into().expect("four bytes"));
    let length = usize::try_from(length).expect("small");
    let summary = Summary::decode(&notes[24..24 + length]).expect("a summary");
    black_box(summary).provides.len()
}

fn loaded(path: &Path) -> usize {
    // SAFETY: the fixture is our own.
    let library = unsafe { libloading::Library::new(path) }.expect("it loads");
    // SAFETY: only the address is looked at.
    let entry = unsafe { library.get::<*const ()>(b"fixture_adder_function") };
    // Closing is sound here: nothing of the library ran but its constructors.
    usize::from(entry.is_ok())
}

#[expect(clippy::print_stdout, reason = "a bench's result is what it prints")]
fn print(text: &str) {
    println!("{text}");
}
