//! How the program ends: one table, which docs/cli.md prints and a test compares.

use std::process::ExitCode;

/// The exit codes, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was read and nothing is wrong. Also where the reader of a mere listing closed the pipe before its end.
    Good,
    /// There is at least one problem in the result.
    Problems,
    /// The command line was not understood.
    Usage,
    /// The result could not be written.
    Output,
}

impl Exit {
    /// Code and meaning, for the help and the reference.
    pub(crate) const TABLE: [(Self, &str); 4] = [
        (
            Self::Good,
            "everything was read and nothing is wrong with it; for why: it would load; for find: there is one; for watch: it \
             was interrupted, or all of --count are told",
        ),
        (
            Self::Problems,
            "at least one problem is listed: unreadable, no library, damaged, or missing something; for audit: a \
             finding as bad as --fail-on, or worse, or a target that could not be examined; for verify: not allowed; for lock --check: a difference; \
             for find: nothing is found",
        ),
        (
            Self::Usage,
            "the command line, or a file that it names with an option of audit, was not understood; nothing else was \
             read",
        ),
        (
            Self::Output,
            "the result could not be written; a closed pipe is no such error, and ends why, find, audit, verify and lock with 1 where \
             they had more to tell",
        ),
    ];

    /// What the process returns.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Problems => 1,
            Self::Usage => 2,
            Self::Output => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
