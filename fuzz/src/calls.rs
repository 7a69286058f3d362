//! Calls of an object by number: arguments as bytes, with and without a connection.
//!
//! The object gives back what it gets, in a method for each type that crosses. The other side, which the fuzzer plays,
//! counts references: what a call does not take over comes back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fixture_matrix_interface::{Echo, Matrix};
use plugwright_plugin::remote::{Invocation, Link, Object};
use plugwright_plugin::{CallError, CallErrorKind, Interface, Portable};

/// The method behind those that return the very type that they take.
const BEHIND: &str = "settings";

/// Those that add numbers, which may overflow: the fuzzer takes every panic for a find.
const ADDING: [&str; 2] = ["wide", "increment"];

/// Calls the method that the second byte chooses with the bytes behind it, over a connection when the first is odd.
pub fn run(data: &[u8]) {
    let [connected, method, input @ ..] = data else {
        return;
    };
    let methods = <dyn Matrix as Interface>::SHAPE.methods;
    let number = usize::from(*method) % (methods.len() + 1);
    let name = methods.get(number).map_or("", |method| method.name);
    if ADDING.contains(&name) {
        return;
    }
    let number = u32::try_from(number).expect("few");
    if connected % 2 == 1 {
        over_a_connection(number, input);
    } else if let Ok(output) = echo().invoke(&Invocation::new(), number, input) {
        let behind = methods.iter().position(|method| method.name == BEHIND);
        let behind = u32::try_from(behind.expect("there is one")).expect("few");
        if number >= behind {
            return;
        }
        let again = echo().invoke(&Invocation::new(), number, &output);
        let again = again.expect("what it wrote can be read");
        if name.starts_with("hash_") {
            // In whatever order.
            assert_eq!(again.len(), output.len(), "{name}");
        } else {
            assert_eq!(again, output, "{name}");
        }
    }
}

fn over_a_connection(method: u32, input: &[u8]) {
    let side = Arc::new(Side::default());
    // One reference to an object of this side is the other's.
    assert_eq!(side.export(echo()), 1);
    let link = Arc::clone(&side) as Arc<dyn Link>;
    let invocation = Invocation::new().with_link(link);
    let given = handed_over(input).0;
    side.count(&given, 1);
    let called = echo().invoke(&invocation, method, input);
    drop(invocation);
    let (taken, whole) = match &called {
        Ok(output) => handed_over(output),
        Err(error) => {
            assert_ne!(error.kind(), CallErrorKind::Panicked, "{error}");
            (Vec::new(), true)
        }
    };
    assert!(whole, "what it wrote can be read");
    side.count(&taken, -1);
    // What the other side has here goes with the connection, and with it all that it kept.
    let objects = std::mem::take(&mut side.state.lock().expect("no panic").objects);
    drop(objects);
    let state = side.state.lock().expect("no panic");
    let left: Vec<_> = state
        .theirs
        .iter()
        .filter(|(_, count)| **count != 0)
        .collect();
    assert!(left.is_empty(), "{left:?} of {given:?}, {taken:?}");
    drop(state);
    assert_eq!(Arc::strong_count(&side), 1, "nobody has the connection");
}

/// An object of this side, or one of the other, as the sender sees it.
#[derive(Clone, Copy, Debug)]
struct Handed {
    comes_home: bool,
    number: u64,
}

/// What stands in front of a message, up to what is none; and whether it is all there. Written apart from the reader.
fn handed_over(message: &[u8]) -> (Vec<Handed>, bool) {
    let mut rest = message;
    let mut handed = Vec::new();
    let Some(count) = leb128(&mut rest).filter(|count| *count <= rest.len() as u64) else {
        return (handed, false);
    };
    for _ in 0..count {
        let Some((home @ 0..=1, behind)) = rest.split_first().map(|(home, rest)| (*home, rest))
        else {
            return (handed, false);
        };
        rest = behind;
        let Some(number) = leb128(&mut rest) else {
            return (handed, false);
        };
        handed.push(Handed {
            comes_home: home == 1,
            number,
        });
    }
    (handed, true)
}

fn leb128(rest: &mut &[u8]) -> Option<u64> {
    let length = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let (bytes, behind) = rest.split_at(length);
    *rest = behind;
    let value = bytes.iter().rev().try_fold(0_u128, |value, byte| {
        (value < 1 << 64).then_some(value << 7 | u128::from(byte & 0x7f))
    })?;
    // More than ten bytes are none, whatever they say.
    u64::try_from(value).ok().filter(|_| length <= 10)
}

/// The side that is called, as its connection has it.
#[derive(Default)]
struct Side {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Objects of this side with the references of the other.
    objects: BTreeMap<u64, (Object, u64)>,
    /// References of this side to objects of the other.
    theirs: BTreeMap<u64, i64>,
}

impl Side {
    fn count(&self, handed: &[Handed], by: i64) {
        let coming = by > 0;
        let mut state = self.state.lock().expect("no panic");
        for handed in handed {
            // In a call the other side's objects come; in a reply they go home.
            if handed.comes_home != coming {
                *state.theirs.entry(handed.number).or_default() += by;
            }
        }
    }
}

impl Link for Side {
    fn call(&self, _: u64, _: u32, _: &[u8], _: Option<Duration>) -> Result<Vec<u8>, CallError> {
        Err(CallError::crashed("nobody is there"))
    }

    fn export(&self, object: Object) -> u64 {
        let mut state = self.state.lock().expect("no panic");
        let number = state.objects.len() as u64 + 1;
        state.objects.insert(number, (object, 1));
        number
    }

    fn import(&self, number: u64) -> Option<Object> {
        let mut state = self.state.lock().expect("no panic");
        let (object, references) = state.objects.get_mut(&number)?;
        // The number stays, so that no later one is the same.
        *references = references.checked_sub(1)?;
        Some(object.clone())
    }

    fn retain(&self, object: u64) {
        let mut state = self.state.lock().expect("no panic");
        *state.theirs.entry(object).or_default() += 1;
    }

    fn release(&self, object: u64) {
        let mut state = self.state.lock().expect("no panic");
        *state.theirs.entry(object).or_default() -= 1;
    }

    fn is_open(&self) -> bool {
        true
    }
}

/// An object as a library gives it.
fn echo() -> Object {
    let boxed: Box<dyn Matrix> = Box::new(Echo);
    // SAFETY: it was given away just now, as what this type crosses as, and is taken over once.
    let boxed = unsafe { <Box<dyn Matrix>>::from_abi(boxed.into_abi()) };
    let boxed = boxed.expect("its own");
    let handle = boxed.__plugwright_handle().expect("it crossed").clone();
    handle.into_object()
}
