//! What a plugin in C has instead of `#[plugin]`: its record, and the tables that go with it.

use std::fmt::Write;

use crate::embed::{RecordDef, note_bytes};
use crate::schema::{InterfaceShape, Shape, VariantShape};

/// A header for the C file that has the plugin's entry function, to be included there once,
/// behind `plugwright_plugin.h`. It defines
///
/// - `PLUGIN_ENTRY`, the entry function's name, and declares that function;
/// - the record, in the section where hosts look for it;
/// - `plugin_id` and `plugin_version`, as slices;
/// - for each interface, `plugin_interface_N` with its fingerprints, from 0 in the order of the
///   record, and as a comment the methods that its vtable has, in their order;
/// - for each interface that such a one requires, `plugin_interface_N_required_M`, likewise.
///
/// Numbers stand in the byte order of the machine that this runs on, which is to be that of the
/// machine that the plugin is for.
///
/// # Errors
/// As [`note_bytes`].
pub fn header(def: &RecordDef) -> Result<String, (&'static str, usize, usize)> {
    let mut out = String::from(
        "/* Made by `plugwright interface c`. Do not edit: make it anew when the interface or the plugin changes. */\n",
    );
    // Writing into a String does not fail.
    let _ = write_header(&mut out, def, &note_bytes(def)?);
    Ok(out)
}

/// The variants of the enums that grow, with the numbers by which they are told.
fn growing_variants(interface: &InterfaceShape) -> Vec<String> {
    let mut all = Vec::new();
    for method in interface.methods {
        let params = method.params.iter().map(|param| param.shape);
        for shape in params.chain([method.result]) {
            collect(shape, &mut all);
        }
    }
    all.sort();
    all.dedup();
    all
}

fn collect(shape: &Shape, all: &mut Vec<String>) {
    let mut of_variants = |variants: &[VariantShape]| {
        let fields = variants.iter().flat_map(|variant| variant.fields);
        fields.for_each(|field| collect(field.shape, all));
    };
    match shape {
        Shape::Scalar(_) | Shape::Interface(..) | Shape::Constant(_) => {}
        Shape::Option(of)
        | Shape::Vec(of)
        | Shape::Slice(of)
        | Shape::SliceMut(of)
        | Shape::Ref(of)
        | Shape::Array(of, _)
        | Shape::Future(of)
        | Shape::LocalFuture(of)
        | Shape::Set(of) => collect(of, all),
        Shape::Result(first, second) | Shape::Map(first, second) => {
            collect(first, all);
            collect(second, all);
        }
        Shape::Tuple(parts) => parts.iter().for_each(|part| collect(part, all)),
        Shape::Struct(_, fields) => fields.iter().for_each(|field| collect(field.shape, all)),
        Shape::Enum(_, variants) => of_variants(variants),
        Shape::Open(name, variants, later) => {
            of_variants(variants);
            of_variants(later);
            all.extend(variants.iter().chain(*later).map(|variant| {
                let number = variant.fingerprint();
                format!("{name}::{} is {number:#018x}", variant.name)
                    .escape_debug()
                    .to_string()
            }));
        }
    }
}

fn write_header(out: &mut String, def: &RecordDef, notes: &[u8]) -> std::fmt::Result {
    writeln!(out, "#define PLUGIN_ENTRY {}", def.entry)?;
    writeln!(
        out,
        "const pw_plugin_table *PLUGIN_ENTRY(const pw_host_table *host);\n"
    )?;
    for (name, text) in [("id", def.id), ("version", def.version)] {
        writeln!(
            out,
            "static const pw_slice plugin_{name} = {{(const uint8_t *)\"{text}\", {}}};",
            text.len()
        )?;
    }
    for (index, provided) in def.provides.iter().enumerate() {
        let interface = provided.interface;
        // In front, since who writes the vtables has to have them first.
        for (required, interface) in interface.requires.iter().enumerate() {
            write_interface(out, &format!("{index}_required_{required}"), interface)?;
        }
        write_interface(out, &index.to_string(), interface)?;
    }
    writeln!(
        out,
        "\n#if defined(__APPLE__)\n\
         __attribute__((section(\"__TEXT,__plugwright\"), used, aligned(4)))\n\
         #elif defined(_WIN32)\n\
         __attribute__((section(\".plugwrt\"), used, aligned(4)))\n\
         #else\n\
         __attribute__((section(\".note.plugwright\"), used, aligned(4)))\n\
         #endif\n\
         static const unsigned char plugin_record[] = {{"
    )?;
    for line in notes.chunks(24) {
        out.push_str("   ");
        for byte in line {
            write!(out, " {byte},")?;
        }
        out.push('\n');
    }
    writeln!(out, "}};")
}

/// The table of an interface, and as a comment what its vtable has.
fn write_interface(out: &mut String, suffix: &str, interface: &InterfaceShape) -> std::fmt::Result {
    writeln!(out, "\n/* {} {}:", interface.id, interface.version)?;
    for method in interface.methods {
        // The names come from a file, and must not end the comment.
        let method = crate::schema::Method::from(method).to_string();
        let method = method.escape_debug().to_string();
        writeln!(out, " *   {}", method.replace("*/", "* /"))?;
    }
    for variant in growing_variants(interface) {
        writeln!(out, " *   {}", variant.replace("*/", "* /"))?;
    }
    let methods = interface.methods.len();
    writeln!(out, " */")?;
    write!(
        out,
        "static const uint64_t plugin_fingerprints_{suffix}[] = {{"
    )?;
    for method in interface.methods {
        write!(out, "UINT64_C({:#018x}), ", method.fingerprint())?;
    }
    // An array in C has at least one element.
    writeln!(out, "0}};")?;
    writeln!(
        out,
        "static const pw_interface_table plugin_interface_{suffix} = {{\n    \
         {{(const uint8_t *)\"{}\", {}}}, {}, {}, {}, {methods}, plugin_fingerprints_{suffix},\n}};",
        interface.id,
        interface.id.len(),
        interface.version.major,
        interface.version.minor,
        interface.bounds.code(),
    )
}
