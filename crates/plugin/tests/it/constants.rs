//! Constants of interfaces: both sides have the same, or do not fit.

use plugwright_manifest::schema::{Scalar, Type};
use plugwright_plugin::abi::Entry;
use plugwright_plugin::{Handle, Interface, Portable, interface, plugin};

use crate::transport::piped;
use crate::{create, summary_of, try_bind};

#[interface(id = "org.example.base", version = "1.0")]
pub(crate) trait Base: Send + Sync {
    const SHORT: u8 = 3;

    fn base(&self) -> u32;
}

#[interface(id = "org.example.limited", version = "1.0")]
pub(crate) trait Limited: Base + Send + Sync {
    /// The most that is taken at once.
    const LIMIT: u32 = 4 * 1024;
    const LEAST: i64 = -1;
    const RATIO: f32 = 0.5;
    const EXACT: f64 = -0.25;
    const MARK: char = 'ß';
    const STRICT: bool = true;
    const NAME: &str = "limited";
    const WIDE: &'static str = concat!("a", "b");
    const SIZE: usize = size_of::<u64>();

    fn take(&self, count: u32) -> u32 {
        count.min(<dyn Limited>::LIMIT)
    }
    fn name(&self) -> String;
}

mod other {
    use super::{Base, interface};

    #[interface(id = "org.example.limited", version = "1.0")]
    pub(crate) trait Limited: Base + Send + Sync {
        const LIMIT: u32 = 8 * 1024;
        const LEAST: i64 = -1;
        const RATIO: f32 = 0.5;
        const EXACT: f64 = -0.25;
        const MARK: char = 'ß';
        const STRICT: bool = true;
        const NAME: &str = "other";
        const WIDE: &str = "ab";
        const SIZE: usize = 8;

        fn take(&self, count: u32) -> u32;
        fn name(&self) -> String;
    }
}

#[plugin(id = "org.example.limits", provides(Limited))]
#[derive(Default)]
pub(crate) struct Limits;

impl Base for Limits {
    fn base(&self) -> u32 {
        u32::from(<dyn Base>::SHORT)
    }
}

impl Limited for Limits {
    fn name(&self) -> String {
        <dyn Limited>::NAME.to_owned()
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_limits_bf13498d"]
    fn limits(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const LIMITS: Entry = limits;

#[test]
fn methods_stand_behind_the_constants() {
    let summary = summary_of!("org.example.limits", dyn Limited);
    let handle: Handle<dyn Limited> = create(LIMITS, &summary);
    assert_eq!(handle.take(10_000), <dyn Limited>::LIMIT);
    assert_eq!(handle.name(), "limited");
    assert_eq!(handle.base(), 3);

    let base: Handle<dyn Base> = handle.upcast();
    let (remote, _other_end) = piped(&base);
    assert_eq!(remote.base(), 3);
}

#[test]
fn another_value_is_a_difference_that_is_told() {
    let summary = summary_of!("org.example.limits", dyn Limited);
    let plugin = try_bind(LIMITS, &summary).expect("agrees");
    let error = plugin.create::<dyn other::Limited>(None, None).map(drop);
    told(
        &error.expect_err("another constant").to_string(),
        &["LIMIT", "NAME"],
    );

    let object: Box<dyn Limited> = Box::new(Limits);
    // SAFETY: an object of an interface of that id; it is used once.
    let object = unsafe { <Box<dyn other::Limited>>::from_abi(object.into_abi()) };
    assert_eq!(
        object.map(drop).expect_err("another constant").to_string(),
        "expected an object of the interface that was declared"
    );
}

/// Each of these names is told of.
#[track_caller]
fn told(error: &str, names: &[&str]) {
    for name in names {
        assert!(error.contains(name), "{name} in {error}");
    }
}

#[test]
fn the_record_has_the_values() {
    let shape = <dyn Limited as Interface>::SHAPE;
    let method = |name| {
        let mut methods = shape.methods.iter();
        let found = methods.find(|method| method.name == name).expect("there");
        plugwright_manifest::schema::Method::from(found)
    };
    let shown = |name| method(name).to_string();
    assert_eq!(shown("LIMIT"), "const LIMIT: u32 = 4096");
    assert_eq!(shown("LEAST"), "const LEAST: i64 = -1");
    assert_eq!(shown("RATIO"), "const RATIO: f32 = 0.5");
    assert_eq!(shown("EXACT"), "const EXACT: f64 = -0.25");
    assert_eq!(shown("MARK"), "const MARK: char = 'ß'");
    assert_eq!(shown("STRICT"), "const STRICT: bool = true");
    assert_eq!(shown("NAME"), "const NAME: &str = \"limited\"");
    assert_eq!(shown("WIDE"), "const WIDE: &str = \"ab\"");
    assert_eq!(shown("SIZE"), "const SIZE: usize = 8");
    let Type::Constant(constant) = method("LIMIT").result else {
        panic!("a constant");
    };
    assert_eq!((constant.scalar, constant.bits), (Scalar::U32, 4096));
}
