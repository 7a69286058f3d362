//! The command line of the development tasks: reads the arguments, calls the task, prints its failure.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use xtask::process::{complain, say};
use xtask::{Outcome, ci, cross, demo, fuzz, page, self_audit, tidy, wheels};

const HELP: &str = "\
cargo xtask ci                  everything that has to hold before a change is merged
cargo xtask ci --no-test        the same without the tests (where `cargo test --workspace` just ran)
cargo xtask ci-full             ci, then each slower check for which this machine has the tool
cargo xtask cross               type checks for macOS and Windows, where a toolchain for that is installed
cargo xtask demo                the example application with its plugins, end to end on a real file
cargo xtask fuzz [NAME]         each fuzzer (or this one) for 10 seconds; with --runs N for N executions
cargo xtask wheels              Qt's plugins as Windows and macOS have them, fetched with pip and compared with Linux's
cargo xtask page                the audit's page of HTML in a browser: pictures to look at, and that nothing in it runs
cargo xtask self-audit          plugwright audit over what is built here, the distribution's libraries and a live host
cargo xtask tidy                only the checks of the tree itself: paths, sizes, words, counts of `unsafe`
cargo xtask bless               writes the generated tables: counts of `unsafe`, licences in ARCHITECTURE.md

ci runs, and stops at the first failure:
  fmt     cargo fmt --all --check
  clippy  cargo clippy --workspace --all-targets -- -D warnings
  test    cargo test --workspace
  doc     cargo doc --workspace --no-deps, warnings denied
  tidy    cargo xtask tidy

Exit code: 0 where all held, 1 where something failed, 2 for a command that does not exist.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome: Outcome = match arguments.as_slice() {
        ["ci"] => ci::ci(ci::Tests::Run),
        ["ci", "--no-test"] => ci::ci(ci::Tests::Skip),
        ["ci-full"] => ci::full(),
        ["cross"] => cross::cross(),
        ["demo"] => demo::demo(),
        ["fuzz"] => fuzz::fuzz(None, fuzz::Length::Smoke),
        ["fuzz", "--runs", count] => runs(count).and_then(|length| fuzz::fuzz(None, length)),
        ["fuzz", name, "--runs", count] => {
            runs(count).and_then(|length| fuzz::fuzz(Some(name), length))
        }
        ["fuzz", name] => fuzz::fuzz(Some(name), fuzz::Length::Smoke),
        ["wheels"] => wheels::wheels(),
        ["page"] => page::page(),
        ["self-audit"] => self_audit::self_audit(),
        ["tidy"] => tidy::tidy(),
        ["bless"] => tidy::bless(),
        ["help" | "--help" | "-h"] => {
            say(HELP);
            Ok(())
        }
        [] => {
            complain(HELP);
            return ExitCode::from(2);
        }
        other => {
            complain(format_args!(
                "xtask: there is no command `{}`; `cargo xtask --help` lists them",
                other.join(" ").escape_debug()
            ));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(format_args!("xtask: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn runs(count: &str) -> Outcome<fuzz::Length> {
    let parsed = count.replace('_', "").parse();
    parsed.map(fuzz::Length::Runs).map_err(|error| {
        format!(
            "--runs takes a number of executions, not `{}`: {error}",
            count.escape_debug()
        )
    })
}
