//! `plugwright why` on libraries made for each reason that a library does not load for.

use std::fs;
use std::path::PathBuf;

use plugwright_testkit::cc;
use plugwright_testkit::elf::{AARCH64, ElfBuilder, Endian, PhdrField, S390X, Width};
use tempfile::TempDir;

use crate::contracts::check_documented;
use crate::program::{self, Run, run};

/// A folder of libraries; the program runs in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, builder: &ElfBuilder) -> &Self {
        self.put_bytes(name, builder.build().bytes())
    }

    fn put_bytes(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        self
    }

    /// What `why root.so` prints, with `DIR` for the folder; its JSON has to say the same and be documented.
    #[track_caller]
    fn why(&self, code: i32) -> String {
        let text = self.run(&["why", "root.so"]);
        assert_eq!((text.code, text.err.as_str()), (Some(code), ""), "{text:?}");
        let json = self.run(&["why", "--format", "json", "root.so"]);
        assert_eq!((json.code, json.err.as_str()), (Some(code), ""), "{json:?}");
        check_documented(&json.json());
        let problems = json.json()["problems"].as_array().map(Vec::len);
        assert_eq!(problems == Some(0), code == 0, "{problems:?}");
        self.relative(&text.out)
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Run {
        run(self.0.path(), arguments)
    }

    fn relative(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "DIR")
    }
}

fn library() -> ElfBuilder {
    ElfBuilder::x86_64()
}

/// A library for which a loader looks in its own folder and nowhere else (`DF_1_NODEFLIB`), so that the answer is the
/// same on every machine.
fn beside() -> ElfBuilder {
    const DT_FLAGS_1: u64 = 0x6fff_fffb;
    const NO_DEFAULT_LIBRARY: u64 = 0x800;
    library()
        .runpath("$ORIGIN")
        .dynamic_value(DT_FLAGS_1, NO_DEFAULT_LIBRARY)
}

#[test]
fn a_library_that_would_load() {
    let place = Place::new();
    place
        .put("root.so", &beside().needed("liba.so").needed("libb.so"))
        .put("liba.so", &beside().needed("libb.so"))
        .put("libb.so", &beside());
    insta::assert_snapshot!(place.why(0), @r"
    root.so
    ├── liba.so  DIR/liba.so
    └── libb.so  DIR/libb.so

    root.so would load, with 2 libraries
    ");
}

#[test]
fn a_library_missing_two_levels_down() {
    let place = Place::new();
    place
        .put("root.so", &beside().needed("liba.so").needed("libc.so"))
        .put("liba.so", &beside().needed("libb.so"))
        .put("libb.so", &beside().needed("libgone.so.7"))
        .put("libc.so", &beside());
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    ├── liba.so  DIR/liba.so
    │   └── libb.so  DIR/libb.so
    │       └── libgone.so.7
    │             ✗ not found
    │                 RUNPATH: DIR/libgone.so.7: not there
    └── libc.so  DIR/libc.so

    root.so would not load:
      libgone.so.7: not found
        needed by libb.so, needed by liba.so, needed by root.so
    ");
    let json = place.run(&["why", "--format", "json", "root.so"]).out;
    insta::assert_snapshot!(place.relative(&json), @r#"
    {
      "path": "root.so",
      "images": [
        {
          "name": "DIR/root.so",
          "path": "DIR/root.so",
          "needed_by": [],
          "steps": []
        },
        {
          "name": "liba.so",
          "path": "DIR/liba.so",
          "needed_by": [
            0
          ],
          "steps": [
            {
              "rule": "run-path",
              "path": "DIR/liba.so",
              "outcome": "found"
            }
          ]
        },
        {
          "name": "libc.so",
          "path": "DIR/libc.so",
          "needed_by": [
            0
          ],
          "steps": [
            {
              "rule": "run-path",
              "path": "DIR/libc.so",
              "outcome": "found"
            }
          ]
        },
        {
          "name": "libb.so",
          "path": "DIR/libb.so",
          "needed_by": [
            1
          ],
          "steps": [
            {
              "rule": "run-path",
              "path": "DIR/libb.so",
              "outcome": "found"
            }
          ]
        },
        {
          "name": "libgone.so.7",
          "path": null,
          "needed_by": [
            3
          ],
          "steps": [
            {
              "rule": "run-path",
              "path": "DIR/libgone.so.7",
              "outcome": "absent"
            }
          ]
        }
      ],
      "problems": [
        {
          "kind": "not-found",
          "image": "DIR/libb.so",
          "image_index": 3,
          "library": "libgone.so.7",
          "steps": [
            {
              "rule": "run-path",
              "path": "DIR/libgone.so.7",
              "outcome": "absent"
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn folders_that_are_given_are_searched_first() {
    let place = Place::new();
    place
        .put("root.so", &beside().needed("liba.so"))
        .put("second/liba.so", &library());
    let arguments = [
        "why",
        "--library-path",
        "first",
        "--library-path",
        "second",
        "root.so",
    ];
    let run = place.run(&arguments);
    insta::assert_snapshot!(place.relative(&run.out), @r"
    root.so
    └── liba.so  DIR/second/liba.so

    root.so would load, with 1 library
    ");
    assert_eq!(run.code, Some(0));
    let run = place.run(&["why", "--library-path", "first", "root.so"]);
    insta::assert_snapshot!(place.relative(&run.out), @r"
    root.so
    └── liba.so
          ✗ not found
              --library-path: DIR/first/liba.so: not there
              RUNPATH: DIR/liba.so: not there

    root.so would not load:
      liba.so: not found
        needed by root.so
    ");
    assert_eq!(run.code, Some(1));
}

#[test]
fn the_wrong_architecture() {
    let place = Place::new();
    let arm = ElfBuilder::new(Width::Bits64, Endian::Little, AARCH64);
    place
        .put("root.so", &beside().needed("liba.so"))
        .put("liba.so", &arm);
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    └── liba.so
          ✗ wrong architecture: it is for aarch64, and this system is x86_64
              RUNPATH: DIR/liba.so: found, but for aarch64

    root.so would not load:
      liba.so: wrong architecture: it is for aarch64, and this system is x86_64
        needed by root.so
    ");
    let json = place.run(&["why", "--format", "json", "root.so"]).json();
    let problem = &json["problems"][0];
    let aarch64 = serde_json::json!({
        "format": "elf", "arch": "aarch64", "bits": 64, "byte_order": "little"
    });
    assert_eq!(problem["expected"]["arch"], "x86_64");
    assert_eq!(problem["found"], aarch64);
    assert_eq!(problem["steps"][0]["target"], aarch64);
    place.put("root.so", &arm);
    insta::assert_snapshot!(place.why(1), @r"
    root.so
      ✗ wrong architecture: it is for aarch64, and this system is x86_64

    root.so would not load:
      root.so: wrong architecture: it is for aarch64, and this system is x86_64
    ");
    let json = place.run(&["why", "--format", "json", "root.so"]).json();
    assert_eq!(json["problems"][0]["found"], aarch64);
}

#[test]
fn of_another_word_size_or_byte_order_is_told_too() {
    const I386: u16 = 3;
    let place = Place::new();
    place
        .put(
            "root.so",
            &beside()
                .runpath("$ORIGIN/a:$ORIGIN/b")
                .needed("liba.so")
                .needed("libb.so"),
        )
        .put(
            "a/liba.so",
            &ElfBuilder::new(Width::Bits32, Endian::Little, I386),
        )
        .put(
            "b/liba.so",
            &ElfBuilder::new(Width::Bits64, Endian::Big, S390X),
        )
        .put(
            "a/libb.so",
            &ElfBuilder::new(Width::Bits32, Endian::Big, S390X),
        );
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    ├── liba.so
    │     ✗ wrong architecture: it is for x86 (32 bits), and this system is x86_64 (64 bits)
    │         RUNPATH: DIR/a/liba.so: found, but for x86 (32 bits)
    │         RUNPATH: DIR/b/liba.so: found, but for s390x (big endian)
    └── libb.so
          ✗ wrong architecture: it is for s390x (32 bits, big endian), and this system is x86_64 (64 bits, little endian)
              RUNPATH: DIR/a/libb.so: found, but for s390x (32 bits, big endian)
              RUNPATH: DIR/b/libb.so: not there

    root.so would not load:
      liba.so: wrong architecture: it is for x86 (32 bits), and this system is x86_64 (64 bits)
        needed by root.so
      libb.so: wrong architecture: it is for s390x (32 bits, big endian), and this system is x86_64 (64 bits, little endian)
        needed by root.so
    ");
}

#[test]
fn a_missing_version() {
    let place = Place::new();
    let a = library()
        .soname("liba.so")
        .export_as("draw", 0x12, Some("A_1"))
        .export("own");
    let root = beside()
        .needed("liba.so")
        .export("own")
        .import("draw", Some(("liba.so", "A_2.38")));
    place.put("root.so", &root).put("liba.so", &a);
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    │ ✗ missing version: liba.so does not define A_2.38
    │ ✗ undefined symbol: draw, version A_2.38
    └── liba.so  DIR/liba.so

    root.so would not load:
      root.so: missing version: liba.so does not define A_2.38 (and 1 more reason)
    ");
}

#[test]
fn undefined_symbols_are_told_as_they_were_written() {
    let place = Place::new();
    let mut root = beside()
        .needed("liba.so")
        .export("own")
        .import("_ZN4gone4goneEi", None)
        .import("_RNvCs1234_7mycrate3foo", None)
        .import("plain", None)
        .import("there", None);
    place.put("liba.so", &library().export("there"));
    place.put("root.so", &root);
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    │ ✗ undefined symbol: _ZN4gone4goneEi: gone::gone(int)
    │ ✗ undefined symbol: _RNvCs1234_7mycrate3foo: mycrate::foo
    │ ✗ undefined symbol: plain
    └── liba.so  DIR/liba.so

    root.so would not load:
      root.so: undefined symbol: _ZN4gone4goneEi: gone::gone(int) (and 2 more reasons)
    ");
    let problems = place.run(&["why", "--format", "json", "root.so"]).json();
    insta::assert_json_snapshot!(problems["problems"][0]["demangled"], @r#""gone::gone(int)""#);
    for number in 0..20 {
        root = root.import(&format!("more{number}"), None);
    }
    place.put("root.so", &root);
    let text = place.why(1);
    assert_eq!(text.matches("✗ undefined symbol: ").count(), 10, "{text}");
    assert!(text.contains("✗ 13 more undefined symbols"), "{text}");
    assert!(text.contains("(and 22 more reasons)"), "{text}");
}

#[test]
fn a_damaged_library_and_one_that_is_none() {
    let place = Place::new();
    let mut damaged = library().build();
    let index = damaged.segment(1, 1);
    damaged.set_segment(index, PhdrField::Filesz, u64::MAX);
    place
        .put("root.so", &beside().needed("liba.so").needed("libb.so"))
        .put_bytes("liba.so", damaged.bytes())
        .put_bytes("libb.so", b"#!/bin/sh\n");
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    ├── liba.so  DIR/liba.so
    │     ✗ damaged, or no library
    │         RUNPATH: DIR/liba.so: found, but damaged
    │         segment-overflow: expected offset and size that fit into 64 bits, found 0x1000 + 0xffffffffffffffff (at byte 0x78)
    │         segment-larger-than-memory: expected at most 0x10 bytes, the segment's size in memory, found 0xffffffffffffffff bytes in the file (at byte 0x78)
    │         segment-address-overflow: expected an end in memory of at most 0xffffffffffffffff, found 0x10 bytes at 0x1000 (at byte 0x78)
    │         segments-overlap: expected an address of at least 0xffffffffffffffff, the end of the segment before, found 0x2000 (at byte 0xb0)
    └── libb.so  DIR/libb.so
          ✗ damaged, or no library
              RUNPATH: DIR/libb.so: found, but damaged
              not-a-library: expected a library in ELF, Mach-O or PE, found a script (at byte 0x0)

    root.so would not load:
      liba.so: damaged, or no library: segment-overflow: expected offset and size that fit into 64 bits, found 0x1000 + 0xffffffffffffffff (at byte 0x78)
        needed by root.so
      libb.so: damaged, or no library: not-a-library: expected a library in ELF, Mach-O or PE, found a script (at byte 0x0)
        needed by root.so
    ");
}

#[test]
fn cycles_are_told_and_do_no_harm() {
    let place = Place::new();
    place
        .put("root.so", &beside().soname("root.so").needed("liba.so"))
        .put("liba.so", &beside().needed("libb.so").needed("liba.so"))
        .put("libb.so", &beside().needed("liba.so").needed("root.so"));
    insta::assert_snapshot!(place.why(0), @r"
    root.so
    └── liba.so  DIR/liba.so
        │ needs liba.so again: a cycle, which does no harm
        └── libb.so  DIR/libb.so
              needs liba.so again: a cycle, which does no harm
              needs root.so again: a cycle, which does no harm

    root.so would load, with 2 libraries
    ");
}

#[test]
fn a_file_that_is_not_there_and_one_that_may_not_be_read() {
    let place = Place::new();
    insta::assert_snapshot!(place.why(1), @r"
    root.so
      ✗ not found

    root.so would not load:
      root.so: not found
    ");
    place.put("root.so", &beside().needed("liba.so"));
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        place.path("liba.so"),
        rustix::fs::Mode::RWXU,
    )
    .expect("a FIFO");
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    └── liba.so
          ✗ cannot be read
              RUNPATH: DIR/liba.so: cannot be read

    root.so would not load:
      liba.so: cannot be read
        needed by root.so
    ");
}

/// Root may read every folder, so the program runs as somebody who may not.
#[test]
fn a_folder_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    let mode = |path: PathBuf, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let place = Place::new();
    mode(place.path(""), 0o755);
    place
        .put(
            "root.so",
            &beside().needed("liba.so").runpath("$ORIGIN/closed"),
        )
        .put("closed/liba.so", &library());
    mode(place.path("closed"), 0o000);
    let mut command = if rustix::process::geteuid().is_root() {
        let program = place.path("plugwright");
        fs::copy(env!("CARGO_BIN_EXE_plugwright"), &program).expect("a copy");
        let mut command = program::command_of(&program, &place.path(""));
        command.uid(65534).gid(65534);
        command
    } else {
        program::command(&place.path(""))
    };
    let run = Run::from(
        command
            .args(["why", "root.so"])
            .output()
            .expect("it starts"),
    );
    mode(place.path("closed"), 0o755);
    insta::assert_snapshot!(place.relative(&run.out), @r"
    root.so
    └── liba.so
          ✗ cannot be read
              RUNPATH: DIR/closed/liba.so: cannot be read

    root.so would not load:
      liba.so: cannot be read
        needed by root.so
    ");
    assert_eq!(run.code, Some(1), "{run:?}");
}

#[test]
fn a_library_in_another_format_is_told_as_one() {
    let place = Place::new();
    place.put_bytes(
        "root.so",
        &plugwright_testkit::pe::PeBuilder::amd64().build(),
    );
    insta::assert_snapshot!(place.why(1), @"root.so would not load: its format is PE, and this system loads ELF");
}

#[test]
fn what_is_missing_comes_before_what_is_missing_because_of_it() {
    let place = Place::new();
    place.put(
        "root.so",
        &beside()
            .needed("liba.so")
            .export("own")
            .import("call", None),
    );
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    │ ✗ undefined symbol: call
    └── liba.so
          ✗ not found
              RUNPATH: DIR/liba.so: not there

    root.so would not load:
      liba.so: not found
        needed by root.so
      root.so: undefined symbol: call, perhaps of liba.so
    ");
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let place = Place::new();
    let root = beside()
        .needed("lib\u{1b}[2Ja\n.so")
        .export("own")
        .import("_Z\u{1b}]0;title\u{7}", None)
        .import("a\u{202e}b", None);
    place.put("root.so", &root);
    insta::assert_snapshot!(place.why(1), @r"
    root.so
    │ ✗ undefined symbol: _Z\u{1b}]0;title\u{7}
    │ ✗ undefined symbol: a\u{202e}b
    └── lib\u{1b}[2Ja\n.so
          ✗ not found
              RUNPATH: DIR/lib\u{1b}[2Ja\n.so: not there

    root.so would not load:
      lib\u{1b}[2Ja\n.so: not found
        needed by root.so
      root.so: undefined symbol: _Z\u{1b}]0;title\u{7}, perhaps of lib\u{1b}[2Ja\n.so (and 1 more reason)
    ");
    let json = place.run(&["why", "--format", "json", "root.so"]);
    assert!(
        !json.out.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{}",
        json.out
    );
    let name = &json.json()["images"][1]["name"];
    assert_eq!(name, "lib\u{1b}[2Ja\n.so");
}

/// A folder with libraries for each way to end, and other things.
fn folder() -> Place {
    let place = Place::new();
    place
        .put("a/root.so", &beside().needed("libx.so").needed("liby.so"))
        .put("a/libx.so", &beside().needed("liby.so"))
        .put("a/liby.so", &beside().needed("libgone.so"))
        .put("b/good.so", &beside())
        .put("b/plugin.so", &beside().export("own").import("f", None))
        .put_bytes("b/readme", b"not a library, and no claim to be one\n")
        .put_bytes("b/other.dll", b"MZ")
        .put_bytes("b/script.so", b"INPUT(libreal.so)\n");
    place
}

#[test]
fn of_folders_only_what_would_not_load_is_told() {
    let place = folder();
    let run = place.run(&["why", "--recursive", "."]);
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""), "{run:?}");
    insta::assert_snapshot!(run.out, @r"
    ./a/libx.so would not load:
      libgone.so: not found
        needed by liby.so, needed by ./a/libx.so

    ./a/liby.so would not load:
      libgone.so: not found
        needed by ./a/liby.so

    ./a/root.so would not load:
      libgone.so: not found
        needed by liby.so, needed by ./a/root.so

    ./b/plugin.so would not load:
      ./b/plugin.so: undefined symbol: f

    ./b/script.so would not load:
      ./b/script.so: damaged, or no library: not-a-library: expected a library in ELF, Mach-O or PE, found a script of the GNU linker (at byte 0x0)

    1 would load; 5 would not, 1 of these for undefined symbols alone, which a program may define; 2 other files
    ");
    let run = place.run(&[
        "why",
        "b",
        "--exclude",
        "script.so",
        "--exclude",
        "plugin.so",
    ]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    insta::assert_snapshot!(run.out, @"1 would load; 0 would not; 2 other files");
    // What was named itself is told, whatever it is.
    let run = place.run(&["why", "b/good.so", "b/readme"]);
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""), "{run:?}");
    insta::assert_snapshot!(run.out, @r"
    b/readme would not load:
      b/readme: damaged, or no library: not-a-library: expected a library in ELF, Mach-O or PE, found text (at byte 0x0)

    1 would load; 1 would not
    ");
}

#[test]
fn of_several_files_json_has_each() {
    let place = folder();
    let one = |file: &str| place.run(&["why", "--format", "json", file]).json();
    let files = ["a/liby.so", "b/good.so"];
    let expected: Vec<serde_json::Value> = files.iter().copied().map(one).collect();
    for threads in ["1", "2", "7"] {
        let common = ["--threads", threads, files[0], files[1]];
        let array = place.run(&[&["why", "--format", "json"], &common[..]].concat());
        assert_eq!(array.code, Some(1));
        assert_eq!(array.json(), serde_json::Value::Array(expected.clone()));
        let lines = place.run(&[&["why", "--format", "jsonl"], &common[..]].concat());
        let lines: Result<Vec<serde_json::Value>, _> =
            lines.out.lines().map(serde_json::from_str).collect();
        assert_eq!(lines.expect("JSON"), expected);
    }
    // A folder is always an array, whatever it holds.
    fs::create_dir(place.path("empty")).expect("a folder");
    let run = place.run(&["why", "--format", "json", "empty"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "[]\n"), "{run:?}");
    let run = place.run(&["why", "--format", "json", "--recursive", "b"]);
    check_documented(&run.json());
    let array = run.json();
    let paths = array.as_array().expect("an array").iter();
    let paths: Vec<&str> = paths.filter_map(|file| file["path"].as_str()).collect();
    assert_eq!(paths, ["b/good.so", "b/plugin.so", "b/script.so"]);
}

/// A library of this machine's compiler, with this machine's C library.
#[test]
fn a_compiled_library_and_its_c_library() {
    let object = cc::shared(
        "libreal.so",
        "#include <stdlib.h>\nvoid *real(void) { return malloc(1); }\n",
        &["-Wl,--no-as-needed".as_ref(), "-lc".as_ref()],
    );
    let place = Place::new();
    let object = object.to_str().expect("a path in UTF-8");
    let run = place.run(&["why", "--format", "json", object]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let json = run.json();
    assert_eq!(json["path"], object);
    let images = json["images"].as_array().expect("an array");
    let c = images
        .iter()
        .find(|image| image["needed_by"] == serde_json::json!([0]));
    assert!(c.is_some_and(|image| image["path"].is_string()), "{json}");
    // Nothing defines what this one needs.
    let object = cc::shared(
        "libwanting.so",
        "extern int nobody_has_this(void);\nint wanting(void) { return nobody_has_this(); }\n",
        &[],
    );
    let object = object.to_str().expect("a path in UTF-8");
    let run = place.run(&["why", object]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.out.contains("✗ undefined symbol: nobody_has_this\n"),
        "{}",
        run.out
    );
}
