//! The program `plugwright`: what plugins and libraries are, told without executing them.
//!
//! One file per command in [`commands`]; everything printed goes through [`output`]; how it ends is in [`exit`].
//! The reference, docs/cli.md, is compared with this code by the tests of [`reference`].
#![forbid(unsafe_code)]

mod commands;
mod exit;
mod output;
mod parallel;
#[cfg(test)]
mod reference;
mod walk;
mod write;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use exit::Exit;
use output::Output;

const EXAMPLES: &str = "\
Examples:
  plugwright list /usr/lib/app/plugins         every plugin in a folder
  plugwright list --recursive --format json .  the same below it, as JSON
  plugwright inspect libthing.so               what it is, and what is wrong
  plugwright inspect --format jsonl *.so       one JSON object per line
  plugwright why libthing.so                   why it would not load
  plugwright find org.example.codec:zst DIR    why a plugin is found, or none
  plugwright verify --explain plugins/         whether a policy lets them run
  plugwright audit /usr/lib/app/plugins        a security review";

/// Columns of the help.
const WIDEST: usize = 100;

/// Tells what plugins and libraries are, without executing them
#[derive(Debug, Parser)]
#[command(name = "plugwright", version, before_help = EXAMPLES, after_help = exit_codes(), max_term_width = WIDEST)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(commands::list::List),
    Inspect(commands::inspect::Inspect),
    Why(commands::why::Why),
    Find(commands::find::Find),
    Registry(commands::registry::Registry),
    Watch(commands::watch::Watch),
    Audit(commands::audit::Audit),
    Verify(commands::verify::Verify),
    Sign(commands::sign::Sign),
    Key(commands::key::KeyCommand),
    Lock(commands::lock::LockCommand),
    Trust(commands::trust::Trust),
    Interface(commands::interface::Interface),
    Completions(commands::generate::Completions),
    Man(commands::generate::Man),
}

impl CommandLine {
    /// What this process was called with.
    fn read() -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let command = arguments
            .get(1)
            .and_then(|name| Command::alone(name.to_str()?))
            .unwrap_or_else(Self::command);
        let mut matches = command.try_get_matches_from(arguments)?;
        Self::from_arg_matches_mut(&mut matches)
    }
}

impl Command {
    /// The program with the command `name` alone, where that is one that scripts call over and over: to build the
    /// definition of every command takes a third of the time of a short one.
    fn alone(name: &str) -> Option<clap::Command> {
        let command = match name {
            "list" => commands::list::List::augment_args(clap::Command::new("list")),
            "inspect" => commands::inspect::Inspect::augment_args(clap::Command::new("inspect")),
            "why" => commands::why::Why::augment_args(clap::Command::new("why")),
            _ => return None,
        };
        let program = clap::Command::new("plugwright").max_term_width(WIDEST);
        Some(program.subcommand_required(true).subcommand(command))
    }

    /// Whether scripts take its exit code for a yes or a no about what they gave it.
    const fn is_verdict(&self) -> bool {
        matches!(
            self,
            Self::Why(_) | Self::Find(_) | Self::Audit(_) | Self::Verify(_) | Self::Lock(_)
        )
    }
}

fn main() -> ExitCode {
    let command = match CommandLine::read() {
        Ok(line) => line.command,
        Err(error) => {
            return match output::usage(&error) {
                // Nobody is left to tell if the errors cannot be written.
                _ if error.use_stderr() => Exit::Usage.into(),
                Err(error) if !is_closed(&error) => ended(Err(error)),
                _ => Exit::Good.into(),
            };
        }
    };
    let mut output = Output::open();
    let is_verdict = command.is_verdict();
    let result = match command {
        Command::List(list) => list.run(&mut output),
        Command::Inspect(inspect) => inspect.run(&mut output),
        Command::Why(why) => why.run(&mut output),
        Command::Find(find) => find.run(&mut output),
        Command::Registry(registry) => registry.run(&mut output),
        Command::Watch(watch) => watch.run(&mut output),
        Command::Audit(audit) => audit.run(&mut output),
        Command::Verify(verify) => verify.run(&mut output),
        Command::Sign(sign) => sign.run(&mut output),
        Command::Key(key) => key.run(&mut output),
        Command::Lock(lock) => lock.run(&mut output),
        Command::Trust(trust) => trust.run(&mut output),
        Command::Interface(interface) => interface.run(&mut output),
        Command::Completions(completions) => completions.run(CommandLine::command(), &mut output),
        Command::Man(man) => man.run(CommandLine::command(), &mut output),
    };
    // Whoever closes the pipe has seen enough: `plugwright list | head` is a success.
    let result = match (result, output.finish()) {
        (Ok(exit), Err(error)) if is_closed(&error) => Ok(exit),
        (Ok(exit), finished) => finished.map(|()| exit),
        // What was not looked at any more may be what would have made the answer no.
        (Err(error), _) if is_closed(&error) && is_verdict => Ok(Exit::Problems),
        (Err(error), _) if is_closed(&error) => Ok(Exit::Good),
        (Err(error), _) => Err(error),
    };
    ended(result)
}

/// Whether the reader of the output has closed the pipe.
fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

fn ended(result: io::Result<Exit>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::complain(&format!("the result could not be written: {error}"));
            Exit::Output.into()
        }
    }
}

/// The table of exit codes as the help ends with it.
fn exit_codes() -> String {
    let rows = Exit::TABLE
        .iter()
        .map(|(exit, meaning)| format!("\n  {}  {meaning}", exit.code()));
    format!("Exit codes:{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command that is defined alone answers as it does among all.
    #[track_caller]
    fn check(line: &str) {
        let arguments: Vec<&str> = line.split(' ').collect();
        let name = arguments.get(1).expect("a command");
        let alone = Command::alone(name).expect("one of those");
        let alone = alone.try_get_matches_from(&arguments);
        let among = CommandLine::command().try_get_matches_from(&arguments);
        let text = |result: Result<clap::ArgMatches, clap::Error>| match result {
            Ok(mut matches) => format!("{:?}", CommandLine::from_arg_matches_mut(&mut matches)),
            Err(error) => error.to_string(),
        };
        assert_eq!(text(alone), text(among), "{line}");
    }

    #[test]
    fn a_command_alone_answers_as_among_all() {
        for name in ["list", "inspect", "why"] {
            for rest in [
                "--help",
                "-h",
                "--no-such",
                "--version",
                "file",
                "--format json file",
            ] {
                check(&format!("plugwright {name} {rest}"));
            }
            check(&format!("plugwright {name}"));
        }
        check("plugwright list --kind none");
        check("plugwright list --key a --metadata /b=c --exclude *.d dir");
        assert!(Command::alone("lst").is_none());
    }
}
