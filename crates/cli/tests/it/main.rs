//! The program as its users run it: a process, its two outputs and its exit code.

mod audit;
mod bad_input;
mod contracts;
mod generate;
mod host;
mod hostile;
mod interface;
mod kept;
mod plugins;
mod program;
mod qt;
mod system_calls;
mod terminal;
mod trust;
mod views;
mod watch;
mod why;
