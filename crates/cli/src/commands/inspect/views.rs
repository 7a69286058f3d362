//! Single facts of a file instead of the page: for scripts, and for whom one question brings.

use std::io;

use plugwright_inspect::{QtMetadata, Symbol};
use serde_json::Value;

use super::Report;
use crate::output::demangle::demangle;
use crate::output::{self, Output, escape};

/// The parts of `-p`, named as qtplugininfo names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum QtPart {
    /// The interface's id
    Iid,
    /// The class
    #[value(name = "classname")]
    ClassName,
    /// The version of Qt and the kind of build
    #[value(name = "qtinfo")]
    QtInfo,
    /// The plugin's own metadata, as JSON
    #[value(name = "userdata")]
    UserData,
}

/// Prints symbols, a line each; as they were written unless `raw`.
pub(super) fn symbols(symbols: &[Symbol], raw: bool, output: &mut Output) -> io::Result<()> {
    for symbol in symbols {
        let written = demangle(symbol.name.as_bytes()).filter(|_| !raw);
        let mut line = match (written, symbol.ordinal) {
            (Some(written), _) => escape::text(&written),
            (None, Some(ordinal)) if symbol.name.as_bytes().is_empty() => format!("#{ordinal}"),
            (None, _) => symbol.name.to_string(),
        };
        if let Some(version) = &symbol.version {
            line = format!("{line}@{version}");
        }
        output.line(&line)?;
    }
    Ok(())
}

/// Prints the value that every image has under `key`, whose parts dots separate: a text as it is, an array's values in
/// a line each, other values as JSON. Returns whether there is such a member.
pub(super) fn select(report: &Report, key: &str, output: &mut Output) -> io::Result<bool> {
    let mut found = false;
    for image in &report.images {
        let image = serde_json::to_value(image)?;
        let value = key.split('.').try_fold(&image, |value, part| match value {
            Value::Array(values) => values.get(part.parse::<usize>().ok()?),
            value => value.get(part),
        });
        found |= value.is_some();
        match value {
            None | Some(Value::Null) => {}
            Some(Value::Array(values)) => {
                for value in values {
                    print_value(value, output)?;
                }
            }
            Some(value) => print_value(value, output)?,
        }
    }
    if !found {
        let path = report.path.shown();
        output::complain(&format!("{path}: nothing under {}", escape::text(key)));
    }
    Ok(found)
}

fn print_value(value: &Value, output: &mut Output) -> io::Result<()> {
    match value {
        Value::String(text) => output.line(&escape::text(text)),
        value => output.json_line(value),
    }
}

/// Prints `parts` as qtplugininfo does, after `prefix`. Returns whether the file has Qt's metadata.
pub(super) fn qt(
    report: &Report,
    parts: &[QtPart],
    prefix: &str,
    output: &mut Output,
) -> io::Result<bool> {
    let mut found = false;
    for image in &report.images {
        if let Some(qt) = &image.headers.image.qt {
            found = true;
            print_qt(qt, parts, prefix, output)?;
        }
    }
    if !found {
        let path = report.path.shown();
        output::complain(&format!("{path}: no metadata of a Qt plugin"));
    }
    Ok(found)
}

fn print_qt(
    qt: &QtMetadata,
    parts: &[QtPart],
    prefix: &str,
    output: &mut Output,
) -> io::Result<()> {
    let wanted = |part| parts.contains(&part);
    let mut line = Vec::new();
    if wanted(QtPart::Iid) {
        line.push(format!("IID \"{}\"", escape::text(qt.iid().unwrap_or(""))));
    }
    if wanted(QtPart::ClassName) {
        let class = escape::text(qt.class_name().unwrap_or(""));
        line.push(format!("class {class}"));
    }
    if wanted(QtPart::QtInfo) {
        let number = qt.json().get("version").and_then(Value::as_u64);
        let number = number.unwrap_or_default();
        let build = if qt.is_debug() { "debug" } else { "release" };
        line.push(format!(
            "Qt {}.{}.{} ({build})",
            number >> 16,
            number >> 8 & 0xff,
            number & 0xff
        ));
    }
    // The path stands once, at the beginning of the first line.
    let first = format!("{prefix}{}", line.join(" "));
    if !first.is_empty() {
        output.line(first.trim_end())?;
    }
    if wanted(QtPart::UserData) {
        let none = Value::Object(serde_json::Map::new());
        let data = qt.json().get("MetaData").unwrap_or(&none);
        output.qt_json_after("User Data: ", data)?;
    }
    Ok(())
}
