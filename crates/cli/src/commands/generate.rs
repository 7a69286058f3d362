//! `plugwright completions` and `plugwright man`: what shells and the manual need to know of the command line.

use std::io;

use clap::Command;
use clap_complete::Shell;

use crate::exit::Exit;
use crate::output::{self, Output};

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  plugwright completions bash > /usr/share/bash-completion/completions/plugwright
  plugwright completions zsh > /usr/share/zsh/site-functions/_plugwright";

const MAN_EXAMPLES: &str = "\
Examples:
  plugwright man > plugwright.1
  plugwright man why > plugwright-why.1
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
    /// The command that the page is for, instead of the program
    command: Option<String>,
}

impl Man {
    pub(crate) fn run(&self, mut program: Command, output: &mut Output) -> io::Result<Exit> {
        program.build();
        let page = match &self.command {
            None => program,
            Some(name) => match program.find_subcommand(name) {
                Some(command) => command.clone(),
                None => {
                    output::complain("there is no such command; plugwright --help has all");
                    return Ok(Exit::Usage);
                }
            },
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(page).render(&mut text)?;
        output.text(&text)?;
        Ok(Exit::Good)
    }
}
