//! The ten pillars of CWE's view 1000: the chapters of every review.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! pillars {
    ($($(#[$doc:meta])* $variant:ident $id:literal $name:literal,)*) => {
        /// One of the ten most abstract weaknesses, to which all others lead.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Pillar {
            $($(#[$doc])* $variant,)*
        }

        impl Pillar {
            /// All ten, in the order of their numbers.
            pub const ALL: [Self; 10] = [$(Self::$variant,)*];

            /// The number in CWE.
            #[must_use]
            pub const fn id(self) -> u16 {
                match self {
                    $(Self::$variant => $id,)*
                }
            }

            /// The official name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

pillars! {
    /// CWE-284: who may do what.
    AccessControl 284 "Improper Access Control",
    /// CWE-435: parts that are right alone and wrong together.
    Interaction 435 "Improper Interaction Between Multiple Correctly-Behaving Entities",
    /// CWE-664: what is used before, after or instead of what was meant.
    Lifetime 664 "Improper Control of a Resource Through its Lifetime",
    /// CWE-682: numbers that come out wrong.
    Calculation 682 "Incorrect Calculation",
    /// CWE-691: what runs when.
    ControlFlow 691 "Insufficient Control Flow Management",
    /// CWE-693: defences that are absent or do not hold.
    Protection 693 "Protection Mechanism Failure",
    /// CWE-697: what is taken for equal.
    Comparison 697 "Incorrect Comparison",
    /// CWE-703: what happens when something fails.
    Exceptional 703 "Improper Check or Handling of Exceptional Conditions",
    /// CWE-707: input that is taken at its word.
    Neutralization 707 "Improper Neutralization",
    /// CWE-710: what good practice forbids.
    CodingStandards 710 "Improper Adherence to Coding Standards",
}

impl Pillar {
    /// The pillar with this number in CWE.
    #[must_use]
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|pillar| pillar.id() == id)
    }
}

impl fmt::Display for Pillar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CWE-{} {}", self.id(), self.name())
    }
}

impl Serialize for Pillar {
    /// As `CWE-664`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("CWE-{}", self.id()))
    }
}
