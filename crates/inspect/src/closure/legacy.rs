//! The folders of hardware capabilities as they were before glibc-hwcaps: glibc up to 2.36
//! still looks into them, inside of every folder that it searches.
//!
//! Their names are made of `tls`, of the processor's platform and of capabilities, in every
//! combination that keeps this order. What counts as platform and capability is what
//! `LD_DEBUG=libs` shows; on other processors than x86-64 no such folder is known here.

use std::io::Read as _;
use std::path::Path;

use crate::arch::{Class, Machine, Target};
use crate::limits;
use crate::open::{Links, open};
use crate::source::Source;

/// The first version of glibc, 2.N, that has none of these folders.
const LAST: u32 = 37;

/// The folders that this system's loader looks into, in its order.
pub(super) fn of_host(target: &Target) -> Vec<String> {
    let loader = match (target.machine, target.class) {
        (Machine::X86_64, Class::Bits64) => Path::new("/lib64/ld-linux-x86-64.so.2"),
        _ => return Vec::new(),
    };
    let Ok(file) = open(loader, Links::Follow) else {
        return Vec::new();
    };
    let bytes = Source::new(&file).and_then(|mut source| {
        let size = source.size();
        source.table(0, size, limits::LOADER)
    });
    match bytes {
        Ok(bytes) if version(&bytes).is_none_or(|version| version < LAST) => names(),
        _ => Vec::new(),
    }
}

/// N of the loader's glibc 2.N, as it prints it; older ones than 2.33 do not.
fn version(loader: &[u8]) -> Option<u32> {
    const TEXT: &[u8] = b"release version 2.";
    let at = loader.windows(TEXT.len()).position(|bytes| bytes == TEXT)?;
    let rest = loader.get(at.checked_add(TEXT.len())?..)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    digits.take(4).try_fold(0_u32, |number, digit| {
        let digit = u32::from(digit.checked_sub(b'0')?);
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(target_arch = "x86_64")]
fn names() -> Vec<String> {
    let mut parts = vec!["tls", "x86_64", "x86_64"];
    // glibc gives more names to Intel's processors only.
    if is_intel() {
        let haswell = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("movbe")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        parts = vec!["tls"];
        parts.push(if haswell { "haswell" } else { "x86_64" });
        parts.extend(avx512.then_some("avx512_1"));
        parts.push("x86_64");
    }
    combinations(&parts)
}

#[cfg(not(target_arch = "x86_64"))]
fn names() -> Vec<String> {
    Vec::new()
}

#[cfg(target_arch = "x86_64")]
fn is_intel() -> bool {
    let mut text = Vec::new();
    let file = std::fs::File::open("/proc/cpuinfo");
    let read = file.and_then(|file| file.take(limits::PAGE as u64).read_to_end(&mut text));
    let mark = b"GenuineIntel";
    read.is_ok() && text.windows(mark.len()).any(|bytes| bytes == mark)
}

/// Every combination of the parts but none of them, each once: those with the first part
/// first, and so on for the parts behind it.
fn combinations(parts: &[&str]) -> Vec<String> {
    let Some((first, rest)) = parts.split_first() else {
        return Vec::new();
    };
    let rest = combinations(rest);
    let with = rest.iter().map(|rest| format!("{first}/{rest}"));
    let mut all: Vec<String> = with.collect();
    all.push((*first).to_owned());
    all.extend(rest);
    let mut seen = Vec::new();
    for name in all {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::{combinations, version};

    /// The order of `LD_DEBUG=libs`, without what it looks into twice.
    #[test]
    fn folders_in_the_loaders_order() {
        assert_eq!(
            combinations(&["tls", "x86_64", "x86_64"]),
            [
                "tls/x86_64/x86_64",
                "tls/x86_64",
                "tls",
                "x86_64/x86_64",
                "x86_64"
            ]
        );
        assert_eq!(
            combinations(&["tls", "haswell", "x86_64"]),
            [
                "tls/haswell/x86_64",
                "tls/haswell",
                "tls/x86_64",
                "tls",
                "haswell/x86_64",
                "haswell",
                "x86_64"
            ]
        );
    }

    #[test]
    fn versions_of_loaders() {
        let text = b"..\0ld.so (GLIBC 2.36-9) stable release version 2.36.\n\0";
        assert_eq!(version(text), Some(36));
        assert_eq!(version(b"stable release version 2.40"), Some(40));
        assert_eq!(version(b"another loader"), None);
        assert_eq!(version(b"release version 2.99999999999"), Some(9999));
    }
}
