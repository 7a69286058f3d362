//! Names of symbols as they were written in the source, in Rust or in C++.
//!
//! A mangled name can be made so that its text is exponentially long, or so deep that its reader's stack overflows:
//! what is longer than [`LONGEST_NAME`] is not tried, and what would become longer than [`LONGEST_TEXT`] stays mangled.

use std::fmt::{self, Write as _};

use cpp_demangle::{DemangleOptions, Symbol};

/// The longest name that is tried, in bytes. Those of heavy C++ templates stay below.
const LONGEST_NAME: usize = 16 * 1024;
/// The longest text that is made of one, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// The name as written, not escaped; `None` where it is not mangled or not understood.
pub(crate) fn demangle(name: &[u8]) -> Option<String> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let mut text = Bounded(String::new());
    // Rust's older mangling is a form of C++'s, so it has to be tried first.
    if let Ok(symbol) = rustc_demangle::try_demangle(std::str::from_utf8(name).ok()?) {
        write!(text, "{symbol:#}").ok()?;
    } else if name.starts_with(b"_Z") {
        let symbol = Symbol::new(name).ok()?;
        symbol
            .structured_demangle(&mut text, &DemangleOptions::default())
            .ok()?;
    } else {
        return None;
    }
    Some(text.0)
}

/// Text that refuses to grow beyond [`LONGEST_TEXT`].
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len().saturating_add(text.len()) > LONGEST_TEXT {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(demangle(name.as_bytes()).as_deref(), expected);
    }

    #[test]
    fn both_languages_and_neither() {
        check("_ZN4gone4goneEv", Some("gone::gone()"));
        check(
            "_ZNK7QString6numberEid",
            Some("QString::number(int, double) const"),
        );
        check("_ZN3foo3bar17h05af221e174051e9E", Some("foo::bar"));
        check("_RNvCs1234_7mycrate3foo", Some("mycrate::foo"));
        check("malloc", None);
        check("_Z", None);
        check("i", None);
    }

    #[test]
    fn hostile_names_are_bounded() {
        // Every argument is a pair of the one before it: its text is twice as long, the name grows by ten bytes.
        let pairs = |levels: usize| {
            let digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
            let pair = |digit| format!("S_IS{digit}_S{digit}_E");
            let arguments: String = digits.chars().take(levels).map(pair).collect();
            format!("_Z1fSt4pairIiiE{arguments}")
        };
        let small = demangle(pairs(8).as_bytes()).expect("a few levels are understood");
        assert!(small.len() > 1000, "{small}");
        check(&pairs(36), None);
        let deep = format!("_Z1f{}i", "P".repeat(LONGEST_NAME - 10));
        assert!(demangle(deep.as_bytes()).is_none_or(|text| text.len() <= LONGEST_TEXT));
        check(&format!("_Z{}", "1a".repeat(LONGEST_NAME)), None);
    }
}
