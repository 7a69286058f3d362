//! What a plugin says of itself, in the judge's words.

use plugwright_manifest::schema::Bounds;
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
    let own = (provided.bounds, provided.fingerprints.as_slice());
    let required = provided.requires.iter();
    let required = required.map(|required| (required.bounds, required.fingerprints.as_slice()));
    let number = fingerprint(std::iter::once(own).chain(required));
    InterfaceFacts::new(id, provided.version, number)
}

/// One number over the bounds and the fingerprints of all methods, in their order, of an interface and of those that it
/// requires: FNV-1a over the fingerprints' little-endian bytes, behind their number and that of the bounds. It tells two
/// forms of an interface apart for people; what is compared byte by byte is the file's digest.
fn fingerprint<'a>(interfaces: impl Iterator<Item = (Bounds, &'a [u64])>) -> u64 {
    let numbers = interfaces.flat_map(|(bounds, methods)| {
        let front = [u64::from(bounds.code()), methods.len() as u64];
        front.into_iter().chain(methods.iter().copied())
    });
    let bytes = numbers.flat_map(u64::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_the_order_and_number_of_methods_count() {
        let send = Bounds {
            send: true,
            sync: false,
        };
        let none = Bounds::NONE;
        let all: [&[(Bounds, &[u64])]; 9] = [
            &[(none, &[])],
            &[(send, &[])],
            &[(none, &[1])],
            &[(none, &[1, 2])],
            &[(none, &[2, 1])],
            &[(none, &[0])],
            &[(none, &[0, 0])],
            &[(none, &[1]), (none, &[2])],
            &[(none, &[1]), (send, &[2])],
        ];
        let mut numbers: Vec<_> = all
            .iter()
            .map(|interfaces| fingerprint(interfaces.iter().copied()))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all.len());
    }
}
