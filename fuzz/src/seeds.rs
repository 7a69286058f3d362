//! What each fuzzer starts from: small objects with everything that a reader looks at, so
//! that it need not invent formats.

use fixture_matrix_interface::Matrix;
use plugwright_manifest::InterfaceVersion;
use plugwright_manifest::embed::{self, BuildDef, Linkage, Notes, ProvidedDef, RecordDef};
use plugwright_manifest::schema::{
    Bounds, ConstantShape, FieldShape, Holder, InterfaceShape, MethodShape, Receiver, Scalar,
    Shape, VariantShape,
};
use plugwright_plugin::Interface;
use plugwright_testkit::elf::{
    AARCH64, ElfBuilder, Endian, HashStyle, POWERPC, S390X, Width, X86, X86_64,
};
use plugwright_testkit::macho::{self, MachOBuilder, universal};
use plugwright_testkit::pe::PeBuilder;

/// Target, name and bytes.
pub type Seed = (&'static str, &'static str, Vec<u8>);

/// Qt 6's header and CBOR.
const QT6: &[u8] = b"\x01\x06\x04\x01\xbf\x02\x61a\x03\x61B\x04\xa1\x64Keys\x81\x61k\xff";
/// Qt 5's.
const QT5: &[u8] = b"\x00\x05\x0f\x00\xbf\x02\x61a\x03\x61B\xff";

/// The list of crates of cargo-auditable, with one crate.
const CRATES: &[u8] =
    b"\x78\xda\xab\x56\x2a\x48\x4c\xce\x4e\x4c\x4f\x2d\x56\xb2\x8a\xae\x56\xca\x4b\xcc\x4d\x55\
    \xb2\x52\x4a\x54\xd2\x51\x2a\x4b\x2d\x2a\xce\xcc\xcf\x03\xf2\x0c\xf5\x0c\xf4\x0c\x80\x22\
    \xc5\xf9\xa5\x45\xc9\x20\xe9\x9c\xfc\xe4\xc4\x1c\xa0\x40\x51\x7e\x7e\x89\x92\x55\x49\x51\
    \x69\x6a\x6d\x6c\x2d\x00\x6e\x49\x17\xc3";

const RECORD: RecordDef = RecordDef {
    entry: "plugwright_entry_org_example_first",
    id: "org.example.first",
    version: "1.2.3",
    crate_name: "first_plugin",
    linkage: Linkage::Both,
    provides: &[],
    singleton: false,
    configurable: false,
    capabilities: &[],
    build: BuildDef {
        abi: 1,
        target: "x86_64-unknown-linux-gnu",
        profile: "release",
        rustc: "rustc 1.95.0",
        panic_abort: false,
        unloadable: false,
    },
    name: "First",
    description: "The first of two.",
    license: "MIT",
    authors: "Ann:Ben",
    homepage: "https://example.org",
    metadata: b"\xa1\x64Keys\x82\x61k\xfb\x40\x09\x21\xfb\x54\x44\x2d\x18",
};
const SIZE: (usize, usize) = (
    embed::summary_note_size(&RECORD),
    embed::detail_note_size(&RECORD),
);
static NOTES: Notes<{ SIZE.0 }, { SIZE.1 }> = embed::notes(&RECORD);

const fn method(name: &'static str, result: &'static Shape) -> MethodShape {
    MethodShape::new(name, Receiver::Shared, &[], result, 0)
}

const U32: &Shape = &Shape::Scalar(Scalar::U32);
const FIELDS: &[FieldShape] = &[FieldShape {
    name: "0",
    shape: U32,
}];
const VARIANTS: &[VariantShape] = &[VariantShape {
    name: "A",
    fields: FIELDS,
}];

const NAMED: InterfaceShape = InterfaceShape {
    id: "org.example.named",
    version: InterfaceVersion::new(1, 1),
    bounds: Bounds::NONE,
    methods: &[method("name", &Shape::Scalar(Scalar::String))],
    requires: &[],
};

/// An interface with a type of each kind, that requires another one and has a constant.
const INTERFACE: InterfaceShape = InterfaceShape {
    id: "org.example.codec",
    version: InterfaceVersion::new(1, 2),
    bounds: Bounds {
        send: true,
        sync: true,
    },
    methods: &[
        method(
            "org.example.named",
            &Shape::Interface(Holder::Super, "org.example.named", 1),
        ),
        method(
            "LIMIT",
            &Shape::Constant(ConstantShape {
                scalar: Scalar::Str,
                bits: 0,
                text: "64",
            }),
        ),
        MethodShape::new(
            "encode",
            Receiver::Exclusive,
            &[
                FieldShape {
                    name: "input",
                    shape: &Shape::Slice(&Shape::Ref(U32)),
                },
                FieldShape {
                    name: "output",
                    shape: &Shape::SliceMut(U32),
                },
                FieldShape {
                    name: "table",
                    shape: &Shape::Map(&Shape::Set(U32), &Shape::Array(U32, 3)),
                },
            ],
            &Shape::Result(
                &Shape::Vec(&Shape::Option(&Shape::Struct("Part", FIELDS))),
                &Shape::Tuple(&[
                    &Shape::Enum("Error", VARIANTS),
                    &Shape::Open("Event", VARIANTS, VARIANTS),
                ]),
            ),
            1,
        ),
        method("later", &Shape::Future(U32)),
        method("here", &Shape::LocalFuture(U32)),
    ],
    requires: &[&NAMED],
};

const PROVIDING: RecordDef = RecordDef {
    provides: &[ProvidedDef {
        interface: &INTERFACE,
        keys: &["first", "1st"],
        rank: -7,
        metadata: RECORD.metadata,
    }],
    capabilities: &["threads:2"],
    ..RECORD
};
static INTERFACES: Notes<
    { embed::summary_note_size(&PROVIDING) },
    { embed::detail_note_size(&PROVIDING) },
> = embed::notes(&PROVIDING);

/// Every seed.
#[must_use]
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    seeds.extend(elf());
    seeds.extend(macho());
    seeds.extend(pe());
    seeds.extend(qt());
    seeds.extend(manifest());
    seeds.extend(closure());
    seeds.extend(foreign());
    seeds.extend(trust());
    seeds.extend(calls());
    seeds
}

/// A library that has a bit of everything.
fn full(width: Width, endian: Endian, machine: u16) -> ElfBuilder {
    ElfBuilder::new(width, endian, machine)
        .compact()
        .soname("libx.so")
        .needed("liby.so")
        .runpath("$ORIGIN")
        .build_id(&[7; 20])
        .export("one")
        .export_as("two", 0x12, Some("X_1"))
        .export_as("three", 0x1a, None)
        .import("four", Some(("liby.so", "Y_1")))
        .weak_import("five")
}

fn elf() -> Vec<Seed> {
    let big = |width, machine| full(width, Endian::Big, machine).hash(HashStyle::Sysv);
    let x86_64 = || full(Width::Bits64, Endian::Little, X86_64);
    let debug_link = b"x.debug\0\x01\x02\x03\x04";
    vec![
        (
            "elf",
            "new-qt",
            x86_64()
                .hash(HashStyle::Both)
                .relocation(6, Some("four"), 0)
                .relocation(8, None, 0x400)
                .qt_note(QT6)
                .build()
                .into_bytes(),
        ),
        (
            "elf",
            "old-qt",
            x86_64()
                .qt_section(QT5)
                .section(".gnu_debuglink", 0, debug_link)
                .section(".modinfo", 2, b"license=GPL\0name=x\0")
                .section(".dep-v0", 0, CRATES)
                .build()
                .into_bytes(),
        ),
        (
            "elf",
            "numbered-in-section-0",
            x86_64().extended_numbering().build().into_bytes(),
        ),
        (
            "elf",
            "record",
            x86_64()
                .note(
                    ".note.plugwright",
                    4,
                    b"plugwright\0",
                    0x5057_0001,
                    NOTES.summary(),
                )
                .note(
                    ".note.plugwright",
                    4,
                    b"plugwright\0",
                    0x5057_0002,
                    NOTES.detail(),
                )
                .build()
                .into_bytes(),
        ),
        (
            "elf",
            "x86",
            full(Width::Bits32, Endian::Little, X86)
                .qt_note(QT6)
                .build()
                .into_bytes(),
        ),
        (
            "elf",
            "aarch64",
            full(Width::Bits64, Endian::Little, AARCH64)
                .build()
                .into_bytes(),
        ),
        (
            "elf",
            "powerpc",
            big(Width::Bits32, POWERPC).build().into_bytes(),
        ),
        (
            "elf",
            "s390x",
            big(Width::Bits64, S390X).build().into_bytes(),
        ),
    ]
}

fn macho() -> Vec<Seed> {
    let thin = |width, endian, cpu| {
        MachOBuilder::new(width, endian, cpu)
            .section("__TEXT", "__text", 0x8000_0400, &[0xc3; 16])
            .section("__TEXT", "__plugwright", 0, &NOTES.to_bytes())
            .qt_section(QT6)
            .section("__DATA", "__mod_init_func", 9, &[0; 8])
            .name(0xd, "@rpath/libx.dylib")
            .name(0xc, "/usr/lib/liby.dylib")
            .name(0x8000_0018, "libweak.dylib")
            .name(0x8000_001c, "@loader_path")
            .command(0x1b, &[7; 16])
            .command(0x2c, &[0; 16])
            .symbol("_one", 0x0f, 1, 0)
            .symbol("_two", 0x01, 0, 0x0100)
            .build()
    };
    let arm = thin(Width::Bits64, Endian::Little, macho::ARM64);
    let intel = thin(Width::Bits64, Endian::Little, macho::X86_64);
    let power = thin(Width::Bits32, Endian::Big, macho::POWERPC);
    vec![
        (
            "macho",
            "universal",
            universal(&[arm.clone(), intel.clone()], false),
        ),
        (
            "macho",
            "universal-64",
            universal(&[intel, power.clone()], true),
        ),
        ("macho", "arm64", arm),
        ("macho", "powerpc", power),
    ]
}

fn pe() -> Vec<Seed> {
    let full = |width, machine| {
        PeBuilder::new(width, machine)
            .export("one")
            .export("two")
            .import("a.dll", &["g", "7"])
            .delayed("b.dll", &["h"])
            .debug_file("x.pdb")
            .section(".plugwrt", 0x4000_0040, &NOTES.to_bytes())
            .qt_section(QT6)
            .signed()
            .build()
    };
    vec![
        ("pe", "amd64", full(Width::Bits64, 0x8664)),
        ("pe", "i386", full(Width::Bits32, 0x14c)),
    ]
}

fn qt() -> Vec<Seed> {
    // `{"IID":"a","n":[1.5,-3]}` in Qt's binary JSON, behind its mark.
    let binary: &[u8] = b"\x02\
        \x58\0\0\0\x05\0\0\0\x50\0\0\0\
        \x01\0a\0\x9b\x01\0\0\x03\0IID\0\0\0\
        \x1c\0\0\0\x04\0\0\0\x14\0\0\0\0\0\0\0\0\0\xf8\x3f\x82\x01\0\0\xaa\xff\xff\xff\
        \x94\x03\0\0\x01\0n\0\x10\0\0\0\x3c\0\0\0";
    vec![
        ("qt", "note", [&[0], QT6].concat()),
        ("qt", "section", [&[1], QT5].concat()),
        ("qt", "binary-json", binary.to_vec()),
        ("qt", "mark", [&[3], &b"QTMETADATA !"[..], QT5].concat()),
    ]
}

fn trust() -> Vec<Seed> {
    let with = |part: u8, text: &str| [&[part], text.as_bytes()].concat();
    let key = "[[key]]\nname = \"a\"\npublic = \"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"\n\
               ids = [\"org.*\"]\nuntil = \"2028-01-01\"\ncapabilities = [\"threads:4\", \"network:*:443\"]\n";
    let digest = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    let policy = format!(
        "version = 1\npreset = \"server\"\nowners = [\"root\", 1001]\nsources = [\"sealed\"]\n\
         trusted = [\"{digest}\"]\n[pins]\n\"org.a\" = [\"{digest}\"]\n{key}"
    );
    let lock = format!(
        "version = 1\n[[plugin]]\nid = \"org.a\"\nversion = \"1.2.0\"\nsigner = \"E7620F1842B4E81F\"\n\
         [[plugin.interface]]\nid = \"org.b\"\nversion = \"1.0\"\nfingerprint = \"00000000000000ff\"\n\
         [[plugin.file]]\ntarget = \"x\"\nname = \"y\"\nsize = 3\ndigest = \"{digest}\"\n"
    );
    let bundle = format!(
        "version = 1\nexpires = \"2028-01-01\"\n[[file]]\npath = \"a/b\"\nsize = 3\ndigest = \"{digest}\"\n\
         plugin = {{ id = \"org.a\", version = \"1.2.0\" }}\n"
    );
    let signature = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1633700835\tid:org.a version:1.0.0 expires:2027-03-01\n\
        wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==\n";
    vec![
        ("trust", "policy", with(0, &policy)),
        ("trust", "keys", with(1, &format!("version = 1\n{key}"))),
        ("trust", "lock", with(2, &lock)),
        ("trust", "bundle", with(3, &bundle)),
        ("trust", "signature", with(4, signature)),
    ]
}

fn manifest() -> Vec<Seed> {
    vec![
        ("manifest", "summary", [&[0], NOTES.summary()].concat()),
        ("manifest", "detail", [&[1], NOTES.detail()].concat()),
        ("manifest", "notes", [vec![2], NOTES.to_bytes()].concat()),
        ("manifest", "provides", [&[0], INTERFACES.summary()].concat()),
        ("manifest", "schemas", [&[1], INTERFACES.detail()].concat()),
        ("manifest", "interfaces", [vec![2], INTERFACES.to_bytes()].concat()),
        (
            "manifest",
            "metadata",
            b"\x03\xbf\x61a\x9f\x01\x20\xf4\xf6\xff\x61b\xfb\x3f\xf8\0\0\0\0\0\0\x61c\x7f\x61x\x61y\xff\xff".to_vec(),
        ),
    ]
}

/// A cache of the loader: two entries of the kind for x86-64, the second for a processor of
/// the second level, and the extension that names its folder.
fn cache() -> Vec<u8> {
    let strings = b"libb.so\0/r/libb.so\0x86-64-v2\0";
    let at = 48 + 2 * 24;
    let word = |value: usize| u32::try_from(value).expect("small").to_le_bytes();
    let extension = at + strings.len().next_multiple_of(4);
    let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
    bytes.extend([word(2), word(strings.len()), [2, 0, 0, 0], word(extension)].concat());
    bytes.resize(48, 0);
    for hwcap in [0_u64, 1 << 62] {
        bytes.extend([word(0x303), word(at), word(at + 8), word(0)].concat());
        bytes.extend(hwcap.to_le_bytes());
    }
    bytes.extend(strings);
    bytes.resize(extension, 0);
    // One section: the names of folders, one of them, behind this.
    let names = extension + 24;
    bytes.extend(
        [
            0xeaa4_2174_u32.to_le_bytes(),
            word(1),
            word(1),
            word(0),
            word(names),
            word(4),
        ]
        .concat(),
    );
    bytes.extend(word(at + 19));
    bytes
}

fn closure() -> Vec<Seed> {
    // Choices as `closure::run` takes them: three files, of which the first needs the second
    // through its run path and the third through the cache.
    let tree = b"\x02\
        \x00\x00\x00\x3a\x00\x01\x02\x01\x02\x01\x00\x00\x02\x00\x01\x01\x07\x02\x00\
        \x03\x01\x00\x0a\x00\x02\x07\x00\x00\x01\x00\x00\
        \x01\x02\x00\x0a\x00\x01\x07\x02\x00\x00\
        \x01\x01";
    vec![
        ("closure", "tree", tree.to_vec()),
        ("closure", "tree-and-cache", [&tree[..], &cache()].concat()),
    ]
}

fn foreign() -> Vec<Seed> {
    let seed = |form: u8, bytes: &[u8]| [&[form], bytes].concat();
    let lv2 = b"@prefix lv2: <http://lv2plug.in/ns/lv2core#>.\n# text\n\
        <urn:a> a lv2:Plugin, [ a 'b' ]; lv2:binary <l.so> .\n\
        <urn:b> <http://lv2plug.in/ns/extensions/ui#binary> <./l.so> ; lv2:name \"\"\"B\"\"\" .";
    let vst3 = b"{ // text\n\"Name\": \"A\", \"Version\": \"1\", \"Factory Info\": {\"Vendor\": \"B\",},\n\
        \"Classes\": [{\"Name\": \"C\"},], /* text */ }";
    let vulkan =
        b"{\"layer\": {\"name\": \"A\", \"library_path\": \"./l.so\", \"api_version\": \"1\"},\
        \"layers\": [{\"library_path\": \"l.so\"}], \"ICD\": {}}";
    let crates = b"{\"packages\":[{\"name\":\"a\",\"version\":\"1.0.0\",\"source\":\"git\",\"kind\":\"build\"},\
        {\"name\":\"b\",\"version\":\"2.0.0-a.1\",\"source\":\"x\",\"dependencies\":[0],\"root\":true}]}";
    let exports = b"qt_plugin_query_verification_data\ngst_plugin_a_get_desc\nPyInit_b\n\
        pattern=QT_PLUGIN_VERIFICATION_DATA\nversion=4.8.7\ndebug=false\n";
    let file = full(Width::Bits64, Endian::Little, X86_64).export("luaopen_x");
    vec![
        ("foreign", "lv2", seed(0, lv2)),
        ("foreign", "vst3", seed(1, vst3)),
        ("foreign", "vulkan", seed(2, vulkan)),
        ("foreign", "crates", seed(3, crates)),
        ("foreign", "exports", seed(4, exports)),
        ("foreign", "file", seed(5, file.build().bytes())),
    ]
}

/// Calls with arguments that are some, by the name of the method.
fn calls() -> Vec<Seed> {
    let shape = <dyn Matrix as Interface>::SHAPE;
    let seed = |name: &'static str, connected: bool, input: &[u8]| {
        let number = shape.methods.iter().position(|method| method.name == name);
        let number = u8::try_from(number.expect("a method")).expect("few");
        (
            "calls",
            name,
            [&[u8::from(connected), number], input].concat(),
        )
    };
    // What an object of the other side has: all methods of the interface.
    let mut has = vec![u8::try_from(shape.methods.len()).expect("few")];
    for method in shape.methods {
        has.extend(method.fingerprint().to_le_bytes());
    }
    // The other side's object 5 comes, and this side's object 1 comes home.
    let front = [2, 0, 5, 1, 1];
    vec![
        seed("string", false, b"\x03abc"),
        seed(
            "eight",
            false,
            b"\x01\x02\0\x03\0\0\0\x04\0\0\0\0\0\0\0\x01x\0\0\0\x01s\0\0\x80\x3f",
        ),
        seed("vecs", false, b"\x02\0\x02\0\x01\x01a"),
        seed("tree_map", false, b"\x02\x01a\x01\x01b\x02"),
        seed("hash_set", false, b"\x02\x01a\x01b"),
        seed("generic_enum", false, b"\x02\x01l\x01r"),
        seed("duration", false, &[7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]),
        // Nobody takes either of them.
        seed("strings", true, &[&front[..], b"\x01\x01a"].concat()),
        seed("relay", true, &[&front[..], &[0], &has].concat()),
        seed(
            "objects",
            true,
            &[&front[..], &[1, 0], &has, &[1, 1, 0]].concat(),
        ),
    ]
}
