//! The header for C says what Rust says: every size and every offset.

use std::fmt::Write;
use std::mem::offset_of;
use std::path::{Path, PathBuf};

use plugwright_plugin::abi::{
    ABI, CreateArguments, Failure, FutureFunctions, HostTable, InterfaceTable, InvokeContext,
    PluginTable, ProvidedTable, RawBuffer, RawCallError, RawDuration, RawFuture, RawInterface,
    RawKeep, RawLink, RawObject, RawOpen, RawOption, RawResult, RawSlice, RawSliceMut, RawVec,
    RawWaker, RawWide, Reply, VtableHead, WakerFunctions,
};
use plugwright_plugin::context::{Application, ContextError, Event, HostServices, Level};
use plugwright_plugin::{CallErrorKind, Interface, Portable};

/// A struct of the header: its name, size and alignment, and its fields at their offsets.
type Layout = (&'static str, usize, usize, Vec<(&'static str, usize)>);

macro_rules! layouts {
    ($($c:literal = $rust:ty { $($field:ident $(= $in_c:ident)?),* $(,)? })*) => {
        vec![$((
            $c,
            size_of::<$rust>(),
            align_of::<$rust>(),
            vec![$((
                *[stringify!($field) $(, stringify!($in_c))?].last().expect("a name"),
                offset_of!($rust, $field),
            )),*],
        )),*]
    };
}

pub(crate) fn layouts() -> Vec<Layout> {
    layouts! {
        "pw_slice" = RawSlice { pointer, length }
        "pw_slice_mut" = RawSliceMut { pointer, length }
        "pw_vec" = RawVec { pointer, length, capacity, release }
        "pw_open" = RawOpen { variant, fields, size, release }
        "pw_wide" = RawWide { low, high }
        "pw_duration" = RawDuration { seconds, nanoseconds }
        "pw_keep" = RawKeep { context, retain, release }
        "pw_buffer" = RawBuffer { bytes, keep }
        "pw_failure" = Failure { release, kind, line, column, message, file, plugin }
        "pw_interface_table" = InterfaceTable { id, major, minor, bounds, methods, fingerprints }
        "pw_vtable_head" = VtableHead { size, interface, image, retain, release, invoke }
        "pw_link" = RawLink {
            size, keep, call, export = export_object, import = import_object, retain, release, is_open,
        }
        "pw_invoke_context" = InvokeContext { size, link, time_left, context, cancelled }
        "pw_object" = RawObject { object, vtable }
        "pw_interface" = RawInterface { object, keep }
        "pw_waker" = RawWaker { data, table, functions, keep }
        "pw_waker_functions" = WakerFunctions { size, clone, wake, wake_by_ref, release }
        "pw_future" = RawFuture { state, functions, keep }
        "pw_future_functions" = FutureFunctions { size, poll, release }
        "pw_provided_table" = ProvidedTable { interface, vtable }
        "pw_create_arguments" = CreateArguments { size, configuration, host }
        "pw_plugin_table" = PluginTable {
            size, abi, provided, provides, id, version, create, start, stop,
        }
        "pw_host_table" = HostTable { size, abi, image, keep }
        "pw_reply_unit" = Reply<u8> { failure, value }
        "pw_reply_object" = Reply<RawObject> { failure, value }
    }
}

/// What macros make of two types, and what only has to be as large.
fn examples() -> Vec<Layout> {
    layouts! {
        "option_u32" = RawOption<u32> { some, value }
        "option_u64" = RawOption<u64> { some, value }
        "option_vec" = RawOption<RawVec> { some, value }
        "result_u8_vec" = RawResult<u8, RawVec> { ok, value }
        "result_u64_u16" = RawResult<u64, u16> { ok, value }
        "pw_call_error" = RawCallError { kind, plugin, method, message, location }
        "pw_context_error" = <ContextError as Portable>::Abi {}
        "pw_result_path" = <Result<PathBuf, ContextError> as Portable>::Abi {}
        "pw_reply_path" = Reply<<Result<PathBuf, ContextError> as Portable>::Abi> {}
        "pw_host_vtable" = <dyn HostServices as Interface>::Vtable {}
        "pw_event" = <Event<'_> as Portable>::Abi {}
        "pw_level" = <Level as Portable>::Abi {}
        "pw_application" = <Application as Portable>::Abi {}
    }
}

pub(crate) fn numbers() -> Vec<(String, usize)> {
    let mut all = vec![("PW_ABI".to_owned(), usize::try_from(ABI).expect("small"))];
    for (name, kind) in [
        ("UNKNOWN", CallErrorKind::Unknown),
        ("PANICKED", CallErrorKind::Panicked),
        ("POISONED", CallErrorKind::Poisoned),
        ("STOPPED", CallErrorKind::Stopped),
        ("RESTARTED", CallErrorKind::Restarted),
        ("CRASHED", CallErrorKind::Crashed),
        ("TIMED_OUT", CallErrorKind::TimedOut),
        ("UNSUPPORTED", CallErrorKind::Unsupported),
        ("REENTRANT", CallErrorKind::Reentrant),
        ("INVALID", CallErrorKind::Invalid),
        ("CANCELLED", CallErrorKind::Cancelled),
        ("CONFIGURATION", CallErrorKind::Configuration),
        ("FAILED", CallErrorKind::Failed),
        ("COMPLETED", CallErrorKind::Completed),
    ] {
        all.push((format!("PW_FAILURE_{name}"), kind as usize));
    }
    for level in Level::ALL {
        let name = format!("PW_LEVEL_{level:?}").to_uppercase();
        all.push((name, level as usize));
    }
    all
}

/// Each expression in C with its value in Rust.
fn expressions() -> Vec<(String, usize)> {
    let mut all = numbers();
    for (name, size, align, fields) in layouts().into_iter().chain(examples()) {
        all.push((format!("sizeof({name})"), size));
        all.push((format!("_Alignof({name})"), align));
        for (field, offset) in fields {
            all.push((format!("offsetof({name}, {field})"), offset));
        }
    }
    all
}

#[test]
fn the_header_agrees_with_rust() {
    let expected = expressions();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let mut program = String::from(
        "#include <stdio.h>\n#include \"plugwright_plugin.h\"\n\
         typedef PW_OPTION(uint32_t) option_u32;\ntypedef PW_OPTION(uint64_t) option_u64;\n\
         typedef PW_OPTION(pw_vec) option_vec;\n\
         typedef PW_RESULT(uint8_t, pw_vec) result_u8_vec;\n\
         typedef PW_RESULT(uint64_t, uint16_t) result_u64_u16;\nint main(void) {\n",
    );
    for (expression, _) in &expected {
        writeln!(program, "    printf(\"%zu\\n\", (size_t)({expression}));").expect("memory");
    }
    program.push_str("    return 0;\n}\n");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, binary) = (folder.path().join("layout.c"), folder.path().join("layout"));
    std::fs::write(&source, program).expect("written");
    let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o"];
    run(command("cc")
        .args(flags)
        .arg(&binary)
        .arg(&source)
        .arg("-I")
        .arg(&include));
    let printed = run(&mut command(binary.to_str().expect("text")));
    let printed: Vec<usize> = printed
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect();
    for ((expression, ours), theirs) in expected.iter().zip(&printed) {
        assert_eq!(ours, theirs, "{expression}");
    }
    assert_eq!(printed.len(), expected.len());
}

/// The header is C++ too.
#[test]
fn the_header_compiles_as_cpp() {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/plugwright_plugin.h");
    if command("c++").arg("--version").output().is_err() {
        // A C compiler is all that the project asks for.
        std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: no C++ compiler here\n")
            .expect("standard error");
        return;
    }
    let flags = [
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsyntax-only",
        "-x",
        "c++",
    ];
    run(command("c++").args(flags).arg(include));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test compiles and runs a program in C"
)]
fn command(program: &str) -> std::process::Command {
    std::process::Command::new(program)
}

#[track_caller]
fn run(command: &mut std::process::Command) -> String {
    let output = command.output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// Values of every kind, and names that C does not have.
mod various {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use plugwright_plugin::{Buffer, PluginFuture, Portable, interface};

    pub(crate) mod other {
        #[derive(plugwright_plugin::Portable)]
        pub(crate) struct Part {
            pub(crate) int: u8,
            pub(crate) r#struct: i128,
        }
    }

    #[derive(Clone, Portable)]
    pub(crate) struct Part {
        pub(crate) text: String,
        pub(crate) wide: u128,
        pub(crate) small: Option<i16>,
    }

    #[derive(Portable)]
    pub(crate) struct Alike {
        pub(crate) int: u8,
        pub(crate) int_: u16,
    }

    #[derive(Portable)]
    pub(crate) struct Empty;

    #[derive(Portable)]
    pub(crate) enum Choice {
        Nothing,
        Pair(u8, f64),
        Named {
            row: Vec<Part>,
            deep: Result<(), (bool, [u16; 3])>,
        },
    }

    #[derive(Portable)]
    pub(crate) enum Grows {
        First,
        Filled {
            part: Part,
        },
        #[unknown]
        Unknown,
    }

    #[interface(id = "org.example.bell", version = "1.0")]
    pub(crate) trait Bell: Send + Sync {
        fn ring(&self, times: u32) -> bool;
    }

    #[interface(id = "org.example.various", version = "1.1")]
    pub(crate) trait Various: Send + Sync {
        const LIMIT: u32 = 7;
        fn register(&self, part: Part, delete: other::Part) -> Choice;
        fn grown(&self, value: Grows) -> Empty;
        fn ring(&self, bell: Box<dyn Bell>, class: &[Part], bytes: &mut [u16]) -> Duration;
        fn lookup(&self, map: BTreeMap<char, Vec<i64>>) -> Option<Option<Buffer>>;
        fn later(&self) -> PluginFuture<'static, Result<Part, String>>;
        #[since("1.1")]
        fn r#typeof(&self, number: std::num::NonZero<usize>) {
            let _ = number;
        }
        /// Has the names of what stands beside it, and twice what becomes one name.
        #[since("1.1")]
        fn head(&self, object: u8, int: Alike, int_: u8) -> u8;
    }
}

/// The types that a plugin in C is given are those that cross: as large, as aligned, and code for
/// compilers of C and of C++ that complain about everything.
#[test]
fn what_is_written_for_c_agrees_with_rust() {
    use various::{Alike, Bell, Choice, Empty, Grows, Part, Various, other};

    type Abi<T> = <T as Portable>::Abi;
    macro_rules! sizes {
        ($($c:literal = $rust:ty),* $(,)?) => {
            [$(($c, size_of::<$rust>(), align_of::<$rust>())),*]
        };
    }
    let expected = sizes![
        "plugin_Part" = Abi<Part>,
        "plugin_Part_2" = Abi<other::Part>,
        "plugin_Grows_Filled" = Abi<Part>,
        "plugin_Alike" = Abi<Alike>,
        "plugin_Empty" = Abi<Empty>,
        "plugin_Choice" = Abi<Choice>,
        "plugin_option_int16" = Abi<Option<i16>>,
        "plugin_array_3_uint16" = Abi<[u16; 3]>,
        "plugin_tuple_uint32_vec" = Abi<(char, Vec<i64>)>,
        "plugin_option_option_buffer" = Abi<Option<Option<plugwright_plugin::Buffer>>>,
        "plugin_result_Part_vec" = Abi<Result<Part, String>>,
        "plugin_reply_Choice" = Reply<Abi<Choice>>,
        "plugin_reply_duration" = Reply<RawDuration>,
        "plugin_vtable_0" = <dyn Various as Interface>::Vtable,
        "plugin_vtable_uses_0" = <dyn Bell as Interface>::Vtable,
    ];
    const RECORD: plugwright_manifest::embed::RecordDef = crate::record(
        "various_entry",
        "org.example.various",
        &[crate::provided(<dyn Various as Interface>::SHAPE)],
    );
    // As it comes out of the file that it is saved in.
    let saved = plugwright_plugin::description::<dyn Bell>();
    let bell = plugwright_manifest::Description::from_json(&saved).expect("just saved");
    let made = plugwright_manifest::c::header(&RECORD, &[bell.schema.to_shape()]);
    let made = made.expect("small enough");
    for (index, variant) in [(0, "First"), (1, "Filled")] {
        let number = <Grows as Portable>::SHAPE.variant(index);
        let line = format!("#define plugin_Grows_is_{variant} UINT64_C({number:#018x})\n");
        assert!(made.contains(&line), "no {line}: {made}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("plugin.h"), made).expect("written");
    let mut program = String::from(
        "#include <stdio.h>\n#include \"plugwright_plugin.h\"\n#include \"plugin.h\"\n\
         const pw_plugin_table *PLUGIN_ENTRY(const pw_host_table *host) {\n\
         (void)host; (void)plugin_interface_0; (void)plugin_interface_uses_0; (void)plugin_id; \
         (void)plugin_version;\n(void)plugin_Grows_is_First; (void)plugin_Choice_tag_Pair;\n\
         return NULL;\n}\n\
         /* Names that C does not have. */\n\
         static plugin_reply_Choice call(const plugin_vtable_0 *table, plugin_Part part, \
         plugin_Part_2 delete_) {\n\
         pw_wide wide = delete_.struct_; wide.low += delete_.int_ + *table->LIMIT + part.wide.low;\n\
         (void)table->typeof_;\nplugin_Alike alike = {1, 2};\n\
         wide.low += alike.int_ + alike.int__2 + table->head_2(NULL, 1, alike, 2).value;\nreturn table->register_(NULL, part, delete_);\n}\n\
         int main(void) {\n    (void)call;\n",
    );
    for (c, ..) in &expected {
        writeln!(
            program,
            "    printf(\"%u %u\\n\", (unsigned)sizeof({c}), (unsigned)ALIGN({c}));"
        )
        .expect("memory");
    }
    program.push_str("    return 0;\n}\n");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let compiled = |compiler: &str, file: &str, flags: &[&str]| {
        let (source, binary) = (folder.path().join(file), folder.path().join("various"));
        std::fs::write(&source, &program).expect("written");
        run(command(compiler)
            .args(["-Wall", "-Wextra", "-Werror", "-pedantic"])
            .args(flags)
            .arg("-o")
            .arg(&binary)
            .arg(&source)
            .arg("-I")
            .arg(&include));
        let printed = run(&mut command(binary.to_str().expect("text")));
        for ((c, size, align), line) in expected.iter().zip(printed.lines()) {
            assert_eq!(format!("{size} {align}"), line, "{c}, with {compiler}");
        }
        assert_eq!(printed.lines().count(), expected.len());
        // The entry has the name of the record, whatever the language makes of names.
        let symbols = std::fs::read(binary).expect("readable");
        let name = b"\0various_entry\0";
        assert!(
            symbols.windows(name.len()).any(|window| window == name),
            "{compiler}"
        );
    };
    compiled("cc", "various.c", &["-std=c11", "-DALIGN=_Alignof"]);
    if command("c++").arg("--version").output().is_ok() {
        compiled("c++", "various.cpp", &["-std=c++17", "-DALIGN=alignof"]);
    }
}
