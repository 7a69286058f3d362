//! What is read beside plugins: policies, key stores, lock files, bundle manifests, signatures and their comments.

use plugwright_trust::{Bundle, Key, KeyId, Lock, Policy, PublicKey, Subject};

/// Reads the bytes but the first as the kind of file that the first one chooses. What was read is written and read again as the
/// same.
pub fn run(data: &[u8]) {
    let Some((part, bytes)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match part % 5 {
        0 => {
            if let Err(error) = Policy::parse(text) {
                assert!(error.to_string().len() < 8192);
            }
        }
        1 => {
            if let Ok(keys) = Key::parse_store(text) {
                let written = Key::write_store(&keys).expect("what was read has a form");
                assert_eq!(Key::parse_store(&written), Ok(keys));
            }
        }
        2 => {
            if let Ok(lock) = Lock::parse(text) {
                let written = lock.write().expect("what was read has a form");
                assert_eq!(Lock::parse(&written).as_ref(), Ok(&lock));
                assert_eq!(lock.drift(&lock), []);
            }
        }
        3 => {
            if let Ok(bundle) = Bundle::parse(text) {
                let written = bundle.write().expect("what was read has a form");
                assert_eq!(Bundle::parse(&written), Ok(bundle));
            }
        }
        _ => signature(text),
    }
}

fn signature(text: &str) {
    let named = KeyId::named_by(text);
    if let Ok(signature) = minisign_verify::Signature::decode(text) {
        // Whatever that crate takes for a signature names a key here too.
        assert!(named.is_some());
        let comment = signature.trusted_comment();
        if let Ok(subject) = Subject::parse(comment) {
            assert_eq!(Subject::parse(&subject.to_string()), Ok(subject));
        }
    }
    let line = text.lines().next().unwrap_or_default();
    if let Ok(key) = line.parse::<PublicKey>() {
        assert_eq!(key.to_string(), line);
    }
}
