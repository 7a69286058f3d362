//! The checks of the repository, and checks of these checks.

mod arrows;
mod licences;
mod packages;
mod security;
mod tables;
mod words;
