//! One interface in the words of each crate: a number, a slice of bytes, and a megabyte back.

/// Plugwright.
pub mod ours {
    /// Adds.
    #[plugwright_plugin::interface(id = "org.example.peer-adder", version = "1.0")]
    pub trait Adder: Send + Sync {
        /// The sum of `number` and a constant.
        fn add(&self, number: u64) -> u64;
        /// The sum of the bytes.
        fn sum(&self, bytes: &[u8]) -> u64;
        /// The length of the text.
        fn measure(&self, text: &str) -> u64;
        /// So many bytes.
        fn bytes(&self, count: usize) -> Vec<u8>;
        /// So many bytes, which stay where they are.
        fn buffer(&self, count: usize) -> plugwright_plugin::Buffer;
        /// Calls back, so often.
        fn repeat(&self, sink: Box<dyn Sink>, count: u64) -> u64;
        /// Another one.
        fn make(&self) -> Box<dyn Adder>;
    }

    /// What the plugin calls back.
    #[plugwright_plugin::interface(id = "org.example.peer-sink", version = "1.0")]
    pub trait Sink: Send + Sync {
        /// Makes another number of it.
        fn put(&self, number: u64) -> u64;
    }
}

/// `abi_stable`.
pub mod abi_stable_adder {
    use abi_stable::sabi_trait;
    use abi_stable::std_types::{RBox, RSlice, RStr, RVec};

    /// Adds.
    #[sabi_trait]
    pub trait Adder {
        /// The sum of `number` and a constant.
        fn add(&self, number: u64) -> u64;
        /// The sum of the bytes.
        fn sum(&self, bytes: RSlice<'_, u8>) -> u64;
        /// The length of the text.
        fn measure(&self, text: RStr<'_>) -> u64;
        /// So many bytes.
        fn bytes(&self, count: usize) -> RVec<u8>;
        /// Calls back, so often.
        fn repeat(&self, sink: Sink_TO<'static, RBox<()>>, count: u64) -> u64;
    }

    /// What the plugin calls back.
    #[sabi_trait]
    pub trait Sink {
        /// Makes another number of it.
        fn put(&self, number: u64) -> u64;
    }
}

/// `stabby`.
pub mod stabby_adder {
    /// Adds.
    #[stabby::stabby(checked)]
    pub trait Adder {
        /// The sum of `number` and a constant.
        extern "C" fn add(&self, number: u64) -> u64;
        /// The sum of the bytes.
        extern "C" fn sum<'a>(&self, bytes: stabby::slice::Slice<'a, u8>) -> u64;
        /// The length of the text.
        extern "C" fn measure<'a>(&self, text: stabby::str::Str<'a>) -> u64;
        /// So many bytes.
        extern "C" fn bytes(&self, count: usize) -> stabby::vec::Vec<u8>;
        /// Calls back, so often.
        extern "C" fn repeat(&self, sink: SinkObject, count: u64) -> u64;
    }

    /// What the plugin calls back.
    #[stabby::stabby(checked)]
    pub trait Sink {
        /// Makes another number of it.
        extern "C" fn put(&self, number: u64) -> u64;
    }

    /// An object to call back.
    pub type SinkObject = stabby::dynptr!(stabby::boxed::Box<dyn Sink>);

    /// An object.
    pub type Object = stabby::dynptr!(stabby::boxed::Box<dyn Adder>);
}

/// `cglue`.
pub mod cglue_adder {
    use cglue::cglue_trait;

    /// Adds.
    #[cglue_trait]
    pub trait Adder {
        /// The sum of `number` and a constant.
        fn add(&self, number: u64) -> u64;
        /// The sum of the bytes.
        fn sum(&self, bytes: &[u8]) -> u64;
        /// The length of the text.
        fn measure(&self, text: &str) -> u64;
    }
}
