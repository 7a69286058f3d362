//! What a plugin in C has instead of `#[plugin]`: its record, and the tables that go with it.

mod types;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::embed::{RecordDef, note_bytes};
use crate::schema::{InterfaceShape, Method, Shape, VariantShape};
use types::{Types, remark};

/// A header for the C file that has the plugin's entry function, to be included there once,
/// behind `plugwright_plugin.h`. It defines
///
/// - `PLUGIN_ENTRY`, the entry function's name, and declares that function;
/// - the record, in the section where hosts look for it;
/// - `plugin_id` and `plugin_version`, as slices;
/// - for each interface, `plugin_interface_N` with its fingerprints, from 0 in the order of the
///   record, and the type of its vtable, `plugin_vtable_N`;
/// - for each interface that such a one requires, `plugin_interface_N_required_M` and
///   `plugin_vtable_N_required_M`;
/// - for each of `others`, whose objects the plugin gives or gets, `plugin_interface_uses_N` and
///   `plugin_vtable_uses_N`;
/// - the types of all values in them: a struct or enum under its own name behind `plugin_`.
///
/// A name that is a word of C or C++ gets an underscore behind it, and one that stands beside the
/// same name a number: of a method `head` the vtable's field is `head_2`.
///
/// Numbers stand in the byte order of the machine that this runs on, which is to be that of the
/// machine that the plugin is for.
///
/// # Errors
/// As [`note_bytes`].
pub fn header(
    def: &RecordDef,
    others: &[&InterfaceShape],
) -> Result<String, (&'static str, usize, usize)> {
    let mut out = String::from(
        "/* Made by `plugwright interface c`. Do not edit: make it anew when the interface or the plugin changes. */\n",
    );
    // Writing into a String does not fail.
    let _ = write_header(&mut out, def, others, &note_bytes(def)?);
    Ok(out)
}

/// The variants of the enums that grow, each with the number by which it is told.
fn growing_variants(interface: &InterfaceShape, all: &mut BTreeMap<(String, String), u64>) {
    for method in interface.methods {
        let params = method.params.iter().map(|param| param.shape);
        for shape in params.chain([method.result]) {
            collect(shape, all);
        }
    }
}

fn collect(shape: &Shape, all: &mut BTreeMap<(String, String), u64>) {
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
            for variant in variants.iter().chain(*later) {
                let key = (types::name(name), types::name(variant.name));
                all.insert(key, variant.fingerprint());
            }
        }
    }
}

fn write_header(
    out: &mut String,
    def: &RecordDef,
    others: &[&InterfaceShape],
    notes: &[u8],
) -> std::fmt::Result {
    writeln!(out, "#define PLUGIN_ENTRY {}", def.entry)?;
    writeln!(
        out,
        "PW_EXPORT const pw_plugin_table *PLUGIN_ENTRY(const pw_host_table *host);\n"
    )?;
    for (name, text) in [("id", def.id), ("version", def.version)] {
        writeln!(
            out,
            "static const pw_slice plugin_{name} = {{(const uint8_t *)\"{text}\", {}}};",
            text.len()
        )?;
    }
    let mut types = Types::new();
    let mut variants = BTreeMap::new();
    let provided = def.provides.iter().map(|provided| provided.interface);
    let provided = (0_usize..).zip(provided);
    let provided = provided.map(|(index, interface)| (index.to_string(), interface));
    let others = (0_usize..).zip(others.iter().copied());
    let others = others.map(|(index, interface)| (format!("uses_{index}"), interface));
    for (suffix, interface) in provided.chain(others) {
        // In front, since who writes the vtables has to have them first.
        for (required, interface) in interface.requires.iter().enumerate() {
            write_interface(out, &format!("{suffix}_required_{required}"), interface)?;
            types.vtable(&format!("{suffix}_required_{required}"), interface);
            growing_variants(interface, &mut variants);
        }
        write_interface(out, &suffix, interface)?;
        types.vtable(&suffix, interface);
        growing_variants(interface, &mut variants);
    }
    writeln!(
        out,
        "\n/* The values, as docs/abi.md says that they cross. Pointers lead to elements of the type in the comment. */\n{}",
        types.finish()
    )?;
    for ((name, variant), number) in variants {
        writeln!(
            out,
            "#define plugin_{name}_is_{variant} UINT64_C({number:#018x})"
        )?;
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

/// The table of an interface, and as a comment what it has.
fn write_interface(out: &mut String, suffix: &str, interface: &InterfaceShape) -> std::fmt::Result {
    writeln!(out, "\n/* {} {}:", interface.id, interface.version)?;
    for method in interface.methods {
        writeln!(out, " *   {}", remark(&Method::from(method)))?;
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
