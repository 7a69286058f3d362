//! What a plugin says of itself, in the judge's words.

use plugwright_manifest::{Provided, Record};
use plugwright_trust::{InterfaceFacts, ManifestFacts, PanicStrategy};

/// Hands a record to the judge.
#[must_use]
pub fn manifest(record: &Record) -> ManifestFacts {
    let summary = &record.summary;
    let panic = if summary.build.panic_abort {
        PanicStrategy::Abort
    } else {
        PanicStrategy::Unwind
    };
    ManifestFacts::new(summary.id.as_str(), summary.version.clone())
        .with_interfaces(summary.provides.iter().map(interface).collect())
        .with_capabilities(summary.capabilities.clone())
        .with_panic(panic)
}

fn interface(provided: &Provided) -> InterfaceFacts {
    let id = provided.interface.as_str();
    InterfaceFacts::new(id, provided.version, fingerprint(&provided.fingerprints))
}

/// One number over the fingerprints of all methods, in their order: FNV-1a over their little-endian bytes. It tells two
/// forms of an interface apart for people; what is compared byte by byte is the file's digest.
fn fingerprint(methods: &[u64]) -> u64 {
    let bytes = methods.iter().flat_map(|method| method.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_and_number_of_methods_count() {
        let all = [vec![], vec![1], vec![1, 2], vec![2, 1], vec![0], vec![0, 0]];
        let mut numbers: Vec<_> = all.iter().map(|methods| fingerprint(methods)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all.len());
    }
}
