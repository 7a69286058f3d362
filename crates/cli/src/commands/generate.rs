//! `plugwright completions` and `plugwright man`: what shells and the manual need to know of the command line.

use std::io;

use clap::Command;
use clap_complete::Shell;

use crate::exit::Exit;
use crate::output::{self, Output};

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  plugwright completions bash > /etc/bash_completion.d/plugwright
  plugwright completions zsh > /usr/share/zsh/site-functions/_plugwright";

const MAN_EXAMPLES: &str = "\
Examples:
  plugwright man > plugwright.1
  plugwright man why > plugwright-why.1
  plugwright man key new > plugwright-key-new.1
  plugwright man why | man -l -";

/// Print the completions of the command line for a shell
#[derive(Debug, clap::Args)]
#[command(before_help = COMPLETIONS_EXAMPLES, hide = true)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, mut program: Command, output: &mut Output) -> io::Result<Exit> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut program, "plugwright", &mut text);
        output.text(&text)?;
        Ok(Exit::Good)
    }
}

/// Print a page of the manual, in roff
#[derive(Debug, clap::Args)]
#[command(before_help = MAN_EXAMPLES, hide = true)]
pub(crate) struct Man {
    /// The command that the page is for, instead of the program, and the command within it
    command: Vec<String>,
}

impl Man {
    pub(crate) fn run(&self, program: Command, output: &mut Output) -> io::Result<Exit> {
        let mut program = without_help(program);
        program.build();
        let page = self
            .command
            .iter()
            .try_fold(&program, |command, name| command.find_subcommand(name));
        let Some(page) = page else {
            output::complain("there is no such command; plugwright --help has all");
            return Ok(Exit::Usage);
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(page.clone())
            .source(concat!("plugwright ", env!("CARGO_PKG_VERSION")))
            .render(&mut text)?;
        output.text(&text)?;
        Ok(Exit::Good)
    }
}

/// The same without the command `help`, which is for who has no manual.
fn without_help(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}
