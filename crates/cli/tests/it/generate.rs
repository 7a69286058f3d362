//! Completions and manual: they know every command and option.

use std::path::Path;

use crate::program::run;

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = run(Path::new("/"), ["completions", shell]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{shell}");
        for word in ["inspect", "list", "why", "library-path", "metadata"] {
            assert!(run.out.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(Path::new("/"), ["completions", "basic"]).code, Some(2));
}

#[test]
fn pages_of_the_manual() {
    let program = run(Path::new("/"), ["man"]);
    assert_eq!(program.code, Some(0), "{program:?}");
    assert!(program.out.contains(".TH plugwright 1"), "{}", program.out);
    assert!(program.out.contains("Exit codes"), "{}", program.out);
    assert!(!program.out.contains("completions"), "{}", program.out);
    let why = run(Path::new("/"), ["man", "why"]).out;
    assert!(why.contains(".TH plugwright-why 1"), "{why}");
    assert!(why.contains("plugwright why"), "{why}");
    assert!(why.contains(r"\-\-library\-path"), "{why}");
    let none = run(Path::new("/"), ["man", "nothing"]);
    assert_eq!((none.code, none.out.as_str()), (Some(2), ""));
}
