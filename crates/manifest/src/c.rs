//! What a plugin in C has instead of `#[plugin]`: its record, and the tables that go with it.

use std::fmt::Write;

use crate::embed::{RecordDef, note_bytes};

/// A header for the C file that has the plugin's entry function, to be included there once,
/// behind `plugwright_plugin.h`. It defines
///
/// - `PLUGIN_ENTRY`, the entry function's name, and declares that function;
/// - the record, in the section where hosts look for it;
/// - `plugin_id` and `plugin_version`, as slices;
/// - for each interface, `plugin_interface_N` with its fingerprints, from 0 in the order of the
///   record, and as a comment the methods that its vtable has, in their order.
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
        writeln!(out, "\n/* {} {}:", interface.id, interface.version)?;
        for method in interface.methods {
            // The names come from a file, and must not end the comment.
            let method = crate::schema::Method::from(method).to_string();
            let method = method.escape_debug().to_string();
            writeln!(out, " *   {}", method.replace("*/", "* /"))?;
        }
        let methods = interface.methods.len();
        writeln!(out, " */")?;
        write!(
            out,
            "static const uint64_t plugin_fingerprints_{index}[] = {{"
        )?;
        for method in interface.methods {
            write!(out, "UINT64_C({:#018x}), ", method.fingerprint())?;
        }
        // An array in C has at least one element.
        writeln!(out, "0}};")?;
        writeln!(
            out,
            "static const pw_interface_table plugin_interface_{index} = {{\n    \
             {{(const uint8_t *)\"{}\", {}}}, {}, {}, {methods}, plugin_fingerprints_{index},\n}};",
            interface.id,
            interface.id.len(),
            interface.version.major,
            interface.version.minor,
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
