//! Compares docs/cli.md with the program: the help of every command, the exit codes and the codes of problems.
//!
//! `PLUGWRIGHT_BLESS=1 cargo test -p plugwright-cli reference` writes the document anew.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use plugwright_inspect::{Code, Group};

use crate::CommandLine;
use crate::exit::Exit;

/// The columns for which the help in the document is laid out.
const WIDTH: usize = 100;

/// Marker and text of every generated part.
fn parts() -> Vec<(String, String)> {
    let mut program = CommandLine::command().term_width(WIDTH);
    program.build();
    let mut parts = vec![("help".to_owned(), block(&program.render_help().to_string()))];
    for command in program
        .get_subcommands_mut()
        .filter(|command| command.get_name() != "help")
    {
        let name = format!("help-{}", command.get_name());
        parts.push((name.clone(), block(&command.render_help().to_string())));
        // Those of its own commands that have pages of their own.
        for inner in command
            .get_subcommands_mut()
            .filter(|inner| inner.get_before_help().is_some())
        {
            let name = format!("{name}-{}", inner.get_name());
            parts.push((name, block(&inner.render_help().to_string())));
        }
    }
    let rows = Exit::TABLE
        .iter()
        .map(|(exit, meaning)| format!("| {} | {meaning} |\n", exit.code()));
    parts.push((
        "exit-codes".to_owned(),
        format!(
            "| code | meaning |\n|---|---|\n{}",
            rows.collect::<String>()
        ),
    ));
    parts.push(("problem-codes".to_owned(), problem_codes()));
    parts
}

/// The codes of the reader, by what they are about.
fn problem_codes() -> String {
    let mut groups: Vec<(Group, Vec<&str>)> = Vec::new();
    for code in Code::ALL {
        match groups.iter_mut().find(|(group, _)| *group == code.group()) {
            Some((_, codes)) => codes.push(code.as_str()),
            None => groups.push((code.group(), vec![code.as_str()])),
        }
    }
    let rows = groups.iter().map(|(group, codes)| {
        let about = match group {
            Group::Reading => "reading the file",
            Group::Foreign => "nothing that a process loads as a library",
            Group::Structure => "the structure contradicts its format or itself",
            Group::Metadata => "what a plugin says of itself is damaged",
            Group::Limit => "a limit of the reader: the answer is not complete",
            _ => "other",
        };
        format!("| {about} | `{}` |\n", codes.join("`, `"))
    });
    format!("| about | codes |\n|---|---|\n{}", rows.collect::<String>())
}

fn block(text: &str) -> String {
    let lines = text
        .trim_end()
        .lines()
        .map(|line| format!("{}\n", line.trim_end()));
    format!("```text\n{}```\n", lines.collect::<String>())
}

/// `document` with `text` between the markers of `name`.
fn with_part(document: &str, name: &str, text: &str) -> String {
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->"),
    );
    let (before, rest) = document
        .split_once(&begin)
        .unwrap_or_else(|| panic!("docs/cli.md has no {begin}"));
    let (_, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("docs/cli.md has no {end}"));
    format!("{before}{begin}{text}{end}{after}")
}

#[test]
fn the_document_says_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let written = fs::read_to_string(&path).expect("docs/cli.md is there");
    let expected = parts()
        .iter()
        .fold(written.clone(), |document, (name, text)| {
            with_part(&document, name, text)
        });
    if std::env::var_os("PLUGWRIGHT_BLESS").is_some() {
        fs::write(&path, &expected).expect("docs/cli.md can be written");
        return;
    }
    // Only what differs: the whole document twice would hide it.
    let mut lines = written.lines().zip(expected.lines());
    let differs = lines.find(|(written, expected)| written != expected);
    assert!(
        written == expected,
        "write it anew with PLUGWRIGHT_BLESS=1 cargo test -p plugwright-cli reference\n{}",
        differs.map_or_else(String::new, |(written, expected)| format!(
            "docs/cli.md: {written}\nthe program: {expected}"
        ))
    );
}

#[test]
fn exit_codes_ascend_and_are_the_table() {
    let codes: Vec<u8> = Exit::TABLE.iter().map(|(exit, _)| exit.code()).collect();
    assert_eq!(codes, [0, 1, 2, 3]);
}

#[test]
fn every_help_opens_with_examples() {
    for (name, text) in parts().iter().filter(|(name, _)| name.starts_with("help")) {
        assert!(
            text.starts_with("```text\nExamples:\n  plugwright "),
            "{name}: {text}"
        );
        // What is broken into two lines by a narrow terminal cannot be copied from it.
        let examples = text.lines().skip(1).take_while(|line| !line.is_empty());
        for example in examples {
            assert!(example.len() <= 80, "{name}: {example}");
        }
    }
}
