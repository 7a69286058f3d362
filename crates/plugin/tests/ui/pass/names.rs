//! Names and lints of one's own, which the expansions must neither take nor trip over.

#![deny(warnings, deprecated)]

use plugwright_plugin::{Interface, Portable, interface};

#[derive(Portable)]
pub enum Record {
    Abi,
    Fields(u32),
    Shape { tag: u8, r#type: String },
}

#[derive(Portable)]
#[non_exhaustive]
pub enum Growing {
    Abi(u8),
    Fields { union: u8 },
    #[unknown]
    Unknown,
}

#[interface(id = "org.example.named", version = "1.1")]
pub trait r#Named: Send + Sync {
    const ID: &str = "another";
    const VERSION: u32 = 7;
    const SHAPE: bool = true;

    /// Replaced.
    #[deprecated(note = "take `r#type`")]
    fn kind(&self) -> u8;

    fn r#type(&self, r#in: Record) -> Growing;

    #[expect(unused_variables, reason = "nothing is done with it yet")]
    #[since("1.1")]
    fn expected(&self, number: u8) {}

    #[deprecated]
    #[since("1.1")]
    fn later(&self) -> u8 {
        0
    }
}

fn main() {
    assert_eq!(<dyn Named as Interface>::SHAPE.id, "org.example.named");
    assert_eq!(<dyn Named as Interface>::SHAPE.version.to_string(), "1.1");
    let method = &<dyn Named as Interface>::SHAPE.methods[4];
    assert_eq!((method.name, method.params[0].name), ("type", "in"));
    assert_eq!(<dyn Named>::ID, "another");
    assert_eq!(<dyn Named>::VERSION, 7);
}
