//! B21: Control or direction characters in names.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::watched::acts;
use plugwright_inspect::{Image, ImageHeaders, Untrusted};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B21",
    title: "Control or direction characters in names",
    cwe: 150,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The file's name, SONAME, needed libraries, run paths, other libraries and the interpreter that it names, texts of plugins' metadata, and the name of every symbol.",
    why: "Printed by a tool that does not escape, such a name recolours or retitles the terminal, forges lines of a log, or shows another name than it has.",
    remedy: "Refuse the file; no compiler writes such names.",
    references: &["CVE-2021-42574"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut names = 0_u64;
    let mut look = |what: &'static str, name: &[u8]| {
        names = names.saturating_add(1);
        if acts(name) {
            sink.report(format!("the {what} holds control or direction characters"))
                .with(what, name);
        }
    };
    let own = file.path.file_name().unwrap_or_default();
    look("file's name", own.as_encoded_bytes());
    for (image, _) in file.images() {
        let headers = &image.headers;
        let names = headers.name.iter().map(|name| ("name", name));
        let names = names.chain(headers.needed.iter().map(|name| ("needed library", name)));
        let names = names.chain(headers.run_path.iter().map(|path| ("run path", path)));
        for (what, name) in names.chain(format_names(headers)) {
            look(what, name.as_bytes());
        }
        for (what, text) in metadata(&headers.image) {
            look(what, text.as_bytes());
        }
    }
    let mut looked = names;
    for (_, symbols) in file.images() {
        looked = looked.saturating_add(symbols.count());
        if !symbols.hostile.is_empty() {
            let finding = sink.report("names of symbols hold control or direction characters");
            for symbol in &symbols.hostile {
                let what = if symbol.is_export { "export" } else { "import" };
                finding.symbol(what, symbol);
            }
        }
    }
    looked
}

/// What only one format names.
fn format_names(headers: &ImageHeaders) -> Vec<(&'static str, &Untrusted)> {
    let mut names = Vec::new();
    if let Some(elf) = headers.elf() {
        names.extend(elf.rpath.iter().map(|path| ("old run path", path)));
        names.extend(elf.interpreter.iter().map(|path| ("interpreter", path)));
        names.extend(elf.auditors.iter().map(|name| ("audit library", name)));
        names.extend(elf.filters.iter().map(|name| ("filter", name)));
    }
    if let Some(pe) = headers.pe() {
        names.extend(pe.delayed.iter().map(|name| ("delayed library", name)));
        names.extend(
            pe.debug_file
                .iter()
                .map(|path| ("file with debug information", path)),
        );
    }
    names
}

/// The texts of a plugin's metadata that lists and logs show.
fn metadata(image: &Image) -> Vec<(&'static str, &str)> {
    let mut texts = Vec::new();
    for record in &image.records {
        let keys = record.summary.provides.iter();
        let keys = keys.flat_map(|provided| &provided.keys);
        texts.extend(keys.map(|key| ("plugin's key", key.as_str())));
        if let Some(detail) = &record.detail {
            texts.push(("plugin's name", &detail.name));
            // The only one that may have several lines.
            let lines = detail.description.lines();
            texts.extend(lines.map(|line| ("plugin's description", line)));
            texts.push(("plugin's licence", &detail.license));
            texts.push(("plugin's homepage", &detail.homepage));
            texts.extend(detail.authors.iter().map(|name| ("author", name.as_str())));
        }
    }
    if let Some(qt) = &image.qt {
        texts.extend(qt.iid().map(|iid| ("interface", iid)));
        texts.extend(qt.class_name().map(|name| ("class", name)));
        texts.extend(qt.keys().map(|key| ("plugin's key", key)));
    }
    texts
}
