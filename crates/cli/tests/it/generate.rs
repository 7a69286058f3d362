//! Completions and manual: they know every command and option.

use std::path::Path;

use crate::program::run;

/// The commands that the help of the program, or of one of its commands, lists.
fn commands(of: &[&str]) -> Vec<String> {
    let help = run(Path::new("/"), of.iter().chain(&["-h"])).out;
    let (_, rest) = help.split_once("Commands:\n").unwrap_or_default();
    let lines = rest.lines().take_while(|line| !line.is_empty());
    // What goes on from the line before stands further to the right.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !matches!(*name, "" | "help"));
    names.map(str::to_owned).collect()
}

#[test]
fn completions_name_every_command() {
    let commands = commands(&[]);
    assert!(commands.len() >= 13, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = run(Path::new("/"), ["completions", shell]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{shell}");
        let options = ["library-path", "metadata", "no-registry"];
        for word in commands.iter().map(String::as_str).chain(options) {
            assert!(run.out.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(Path::new("/"), ["completions", "basic"]).code, Some(2));
}

/// Looks at the page of a command, and at those of all below it.
#[track_caller]
fn check_page(command: &[&str]) {
    let page = run(Path::new("/"), ["man"].iter().chain(command));
    assert_eq!((page.code, page.err.as_str()), (Some(0), ""), "{command:?}");
    let name = ["plugwright"].iter().chain(command);
    let name = name.copied().collect::<Vec<_>>().join("-");
    let title = format!(".TH {name} 1  \"plugwright {}\"", env!("CARGO_PKG_VERSION"));
    assert!(page.out.contains(&title), "{}", page.out);
    let below = commands(command);
    let referred: Vec<&str> = page.out.lines().filter(|l| l.ends_with("(1)")).collect();
    let expected = below.iter().map(|below| format!("{name}-{below}(1)"));
    let expected: Vec<String> = expected.map(|page| page.replace('-', r"\-")).collect();
    assert_eq!(referred, expected, "{command:?}");
    for below in &below {
        check_page(&[command, &[below]].concat());
    }
}

#[test]
fn every_page_that_a_page_refers_to_is_there() {
    check_page(&[]);
}

#[test]
fn pages_of_the_manual() {
    let program = run(Path::new("/"), ["man"]);
    assert!(program.out.contains("Exit codes"), "{}", program.out);
    let why = run(Path::new("/"), ["man", "why"]).out;
    assert!(why.contains("plugwright why"), "{why}");
    assert!(why.contains(r"\-\-library\-path"), "{why}");
    for none in [&["man", "nothing"][..], &["man", "key", "nothing"]] {
        let run = run(Path::new("/"), none);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{none:?}");
    }
}
