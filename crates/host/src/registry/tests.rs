use plugwright_manifest::Summary;
use plugwright_manifest::embed::{BuildDef, Linkage, ProvidedDef, RecordDef, note_bytes};
use plugwright_manifest::schema::InterfaceShape;

use super::image::{CHECKED_FROM, Damage};
use super::*;

static CODEC: InterfaceShape = InterfaceShape {
    id: "org.example.codec",
    version: plugwright_manifest::InterfaceVersion::new(1, 2),
    bounds: plugwright_manifest::schema::Bounds::NONE,
    requires: &[],
    methods: &[],
};

const fn codec(keys: &'static [&'static str], rank: i32) -> ProvidedDef {
    ProvidedDef {
        interface: &CODEC,
        keys,
        rank,
        metadata: &[],
    }
}

fn summary(id: &'static str, version: &'static str, provides: &'static [ProvidedDef]) -> Summary {
    let notes = note_bytes(&RecordDef {
        entry: "entry",
        id,
        version,
        crate_name: "plugin",
        linkage: Linkage::Cdylib,
        provides,
        singleton: false,
        configurable: false,
        capabilities: &[],
        build: BuildDef {
            abi: ABI,
            target: "any",
            profile: "release",
            rustc: "rustc",
            panic_abort: false,
            unloadable: false,
        },
        name: "",
        description: "",
        license: "",
        authors: "",
        homepage: "",
        metadata: &[],
    });
    let notes = notes.expect("small enough");
    // The summary's note comes first: three words, and the owner's name, padded.
    let word = |at: usize| u32::from_le_bytes(notes[at..at + 4].try_into().expect("four")) as usize;
    let start = 12 + word(0).next_multiple_of(4);
    Summary::decode(&notes[start..start + word(4)]).expect("just written")
}

fn file(name: &str, size: u8, records: Vec<Summary>) -> FileDraft {
    let mut stamp = [7; STAMP_SIZE];
    stamp[16] = size;
    FileDraft {
        name: name.into(),
        stamp,
        state: FileState::Plugins,
        is_doubtful: false,
        reason: String::new(),
        digest: None,
        records,
    }
}

fn example() -> Image {
    let mut folders = [
        FolderDraft {
            path: b"/a".to_vec(),
            files: vec![
                file(
                    "1.so",
                    1,
                    vec![summary(
                        "org.example.one",
                        "1.0.0",
                        const { &[codec(&["zst", "GZ"], 0)] },
                    )],
                ),
                file(
                    "2.so",
                    2,
                    vec![summary(
                        "org.example.two",
                        "1.0.0",
                        const { &[codec(&["gz"], 5)] },
                    )],
                ),
            ],
        },
        FolderDraft {
            path: b"/b".to_vec(),
            files: vec![
                file(
                    "3.so",
                    3,
                    vec![summary(
                        "org.example.one",
                        "2.0.0",
                        const { &[codec(&["zst"], 0)] },
                    )],
                ),
                file(
                    "4.so",
                    4,
                    vec![summary(
                        "org.example.same",
                        "1.0.0",
                        const { &[codec(&["x"], 0)] },
                    )],
                ),
                file(
                    "5.so",
                    5,
                    vec![summary(
                        "org.example.same",
                        "1.0.0",
                        const { &[codec(&["x"], 0)] },
                    )],
                ),
            ],
        },
    ];
    image(&mut folders, &[9; 32], &|_, _| None).expect("small")
}

#[track_caller]
fn check_under(image: &Image, key: &str, expected: &[(&str, u32)]) {
    let found: Vec<(&str, u32)> = image
        .offers_under("org.example.codec", key)
        .map(|(key, offer)| (key, offer.plugin))
        .collect();
    assert_eq!(found, expected, "{key}");
}

#[test]
fn keys_are_found_in_any_case_best_first() {
    let image = example();
    check_under(&image, "gz", &[("gz", 1), ("GZ", 0)]);
    check_under(&image, "Gz", &[("gz", 1), ("GZ", 0)]);
    // The greater version of two of one rank.
    check_under(&image, "zst", &[("zst", 2), ("zst", 0)]);
    check_under(&image, "nobody", &[]);
    // What is refused is not offered.
    check_under(&image, "x", &[]);
    assert_eq!(image.offers_of("org.example.codec").count(), 3);
    assert_eq!(image.offers_of("org.example.other").count(), 0);
    assert_eq!(
        image.plugin(3).map(|row| row.state),
        Some(PluginState::Duplicate(4))
    );
}

#[test]
fn letters_beyond_ascii_have_cases_too() {
    assert!(same_but_for_case("GRÖSSE", "grösse"));
    // The sign of the unit Kelvin has a small form in ASCII.
    assert!(same_but_for_case("\u{212a}", "k"));
    assert_eq!(image::key_hash("i", "\u{212a}"), image::key_hash("i", "K"));
    assert!(!same_but_for_case("a", "b"));
}

#[test]
fn another_host_is_told() {
    let bytes = example().bytes().to_vec();
    assert!(Image::new(bytes.clone(), Some(&[9; 32])).is_ok());
    assert_eq!(
        Image::new(bytes, Some(&[8; 32])).err(),
        Some(Damage::Identity)
    );
    assert_eq!(
        Image::new(b"text".to_vec(), None).err(),
        Some(Damage::NotARegistry)
    );
}

/// Whoever can write the file can make a checksum: every byte is changed, the checksum made to hold, and everything asked.
#[test]
fn nothing_that_is_written_with_a_checksum_panics() {
    let good = example().bytes().to_vec();
    for at in CHECKED_FROM..good.len() {
        for with in [0x01, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= with;
            let checksum = *blake3::hash(&bytes[CHECKED_FROM..]).as_bytes();
            bytes[16..CHECKED_FROM].copy_from_slice(&checksum);
            if let Ok(image) = Image::new(bytes, None) {
                ask_everything(&image);
            }
        }
    }
}

fn ask_everything(image: &Image) {
    let count = (0..image.folders().min(100))
        .filter_map(|row| image.folder(row))
        .count()
        + (0..image.files().min(100))
            .filter_map(|row| image.file(row))
            .count()
        + (0..image.plugins().min(100))
            .filter_map(|row| image.plugin(row))
            .count()
        + (0..image.interfaces().min(100))
            .filter_map(|row| image.interface(row))
            .count()
        + image.offers_of("org.example.codec").count()
        + image.offers_under("org.example.codec", "gz").count()
        + drafts(image).map_or(0, |drafts| drafts.len());
    std::hint::black_box(count);
}

#[test]
fn what_a_crash_left_is_cleared() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("plugins.registry");
    for left in [&b""[..], b"plug", &[0; 64], b"plugwreg and no more"] {
        std::fs::write(&path, left).expect("written");
        assert!(Registry::at(&path).clear().expect("removable"));
    }
    std::fs::write(&path, "plugins = []").expect("written");
    assert!(Registry::at(&path).clear().is_err());
}
