//! GNU properties: what the code of a library needs and keeps to.
//!
//! Layout and numbers: the Linux extensions to the gABI and the psABIs of x86 and 64-bit Arm.

use serde::Serialize;

use crate::arch::{ByteOrder, Class, Machine};
use crate::fields::{Fields, align_up};

/// The properties that this crate knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GnuProperties {
    /// x86: every indirect jump lands on a mark (IBT).
    pub indirect_branch_tracking: bool,
    /// x86: return addresses may be kept in a shadow stack (SHSTK).
    pub shadow_stack: bool,
    /// 64-bit Arm: every indirect jump lands on a mark (BTI).
    pub branch_targets: bool,
    /// 64-bit Arm: return addresses are signed (PAC).
    pub pointer_authentication: bool,
    /// x86-64: the level of the processor that is needed, 1 to 4; a loader refuses the
    /// library on a lesser one.
    pub needs_level: Option<u8>,
}

/// `GNU_PROPERTY_X86_FEATURE_1_AND`, `…_ISA_1_NEEDED` and that of 64-bit Arm.
const X86_FEATURES: u32 = 0xc000_0002;
const X86_NEEDED: u32 = 0xc000_8002;
const AARCH64_FEATURES: u32 = 0xc000_0000;

/// Reads the properties of a note's descriptor.
pub(crate) fn decode(
    desc: &[u8],
    class: Class,
    order: ByteOrder,
    machine: Machine,
) -> GnuProperties {
    let mut found = GnuProperties::default();
    let mut rest = desc;
    while let Some((kind, value, next)) = property(rest, class, order) {
        let bits = Fields::new(value, order).u32(0).unwrap_or_default();
        match (machine, kind) {
            (Machine::X86 | Machine::X86_64, X86_FEATURES) => {
                found.indirect_branch_tracking |= bits & 1 != 0;
                found.shadow_stack |= bits & 2 != 0;
            }
            (Machine::X86 | Machine::X86_64, X86_NEEDED) => {
                let level = bits.checked_ilog2().and_then(|bit| u8::try_from(bit).ok());
                found.needs_level = level
                    .map(|bit| bit.saturating_add(1))
                    .filter(|level| *level <= 4);
            }
            (Machine::Aarch64, AARCH64_FEATURES) => {
                found.branch_targets |= bits & 1 != 0;
                found.pointer_authentication |= bits & 2 != 0;
            }
            _ => {}
        }
        rest = next;
    }
    found
}

/// Type and value of the first property, and what follows it.
fn property(bytes: &[u8], class: Class, order: ByteOrder) -> Option<(u32, &[u8], &[u8])> {
    let fields = Fields::new(bytes, order);
    let (kind, len) = (fields.u32(0)?, fields.u32(4)?);
    let end = u64::from(len).checked_add(8)?;
    let value = bytes.get(8..usize::try_from(end).ok()?)?;
    let next = usize::try_from(align_up(end, class.word())?).ok()?;
    Some((kind, value, bytes.get(next..).unwrap_or_default()))
}
