//! P05: The environment chooses libraries.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::ProcessSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "P05",
    title: "The environment chooses libraries",
    cwe: 426,
    severity: Severity::Medium,
    severity_rule: "Raised in a privileged process.",
    kinds: &[SubjectKind::Process],
    looked_at: "The variables of its environment at its start that the loader and plugin systems read.",
    why: "Who started the process chose code for it.",
    remedy: "Start it without them; plugins belong into a folder that the program names.",
    references: &["ld.so(8)"],
    check: Check::Process(check),
};

/// Variables that name code, or folders of code.
const NAMES: &[&str] = &[
    "LD_PRELOAD",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PROFILE",
    "QT_PLUGIN_PATH",
    "QML2_IMPORT_PATH",
    "QML_IMPORT_PATH",
    "GTK_PATH",
    "GTK_MODULES",
    "GIO_EXTRA_MODULES",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "LADSPA_PATH",
    "LV2_PATH",
    "VK_ICD_FILENAMES",
    "VK_LAYER_PATH",
    "LIBGL_DRIVERS_PATH",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "OPENSSL_CONF",
    "GCONV_PATH",
    "NODE_OPTIONS",
    "PYTHONPATH",
    "PERL5LIB",
    "RUBYLIB",
    "CLASSPATH",
    "JAVA_TOOL_OPTIONS",
    "BASH_ENV",
];

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for variable in subject.process.environment.iter().flatten() {
        looked = looked.saturating_add(1);
        let Some(at) = variable.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let (name, value) = variable.split_at(at);
        let Some(value) = value.strip_prefix(b"=").filter(|value| !value.is_empty()) else {
            continue;
        };
        let is_known = std::str::from_utf8(name).is_ok_and(|name| {
            NAMES.contains(&name) || name.starts_with("DYLD_") || name.ends_with("_PLUGIN_PATH")
        });
        if is_known {
            let name = String::from_utf8_lossy(name).into_owned();
            sink.report(format!("{name} chooses code for the process"))
                .with(name, value);
        }
    }
    looked
}
