//! One plugin that can be had through each crate. All of it does the same work.

use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RBox, RSlice, RStr, RVec};
use cglue::prelude::v1::*;
use peers_interface::{abi_stable_adder, cglue_adder, ours, stabby_adder};
use plugwright_plugin::{Buffer, plugin};

/// Adds a constant that the caller cannot see.
#[plugin(id = "org.example.peer-adding", provides(ours::Adder, keys = ["adder"]))]
#[derive(Debug, Clone)]
pub struct Adding {
    constant: u64,
}

impl Default for Adding {
    fn default() -> Self {
        Self {
            constant: std::hint::black_box(3),
        }
    }
}

impl Adding {
    #[inline]
    fn plus(&self, number: u64) -> u64 {
        number.wrapping_add(self.constant)
    }

    #[inline]
    fn total(&self, bytes: &[u8]) -> u64 {
        bytes.iter().fold(self.constant, |sum, byte| {
            sum.wrapping_add(u64::from(*byte))
        })
    }
}

impl ours::Adder for Adding {
    fn add(&self, number: u64) -> u64 {
        self.plus(number)
    }
    fn sum(&self, bytes: &[u8]) -> u64 {
        self.total(bytes)
    }
    fn measure(&self, text: &str) -> u64 {
        self.plus(text.len() as u64)
    }
    fn bytes(&self, count: usize) -> Vec<u8> {
        vec![7; count]
    }
    fn buffer(&self, count: usize) -> Buffer {
        vec![7; count].into()
    }
    fn repeat(&self, sink: Box<dyn ours::Sink>, count: u64) -> u64 {
        (0..count).fold(self.constant, |number, _| sink.put(number))
    }
    fn make(&self) -> Box<dyn ours::Adder> {
        Box::new(Self::default())
    }
}

impl abi_stable_adder::Adder for Adding {
    fn add(&self, number: u64) -> u64 {
        self.plus(number)
    }
    fn sum(&self, bytes: RSlice<'_, u8>) -> u64 {
        self.total(bytes.as_slice())
    }
    fn measure(&self, text: RStr<'_>) -> u64 {
        self.plus(text.len() as u64)
    }
    fn bytes(&self, count: usize) -> RVec<u8> {
        vec![7; count].into()
    }
    fn repeat(&self, sink: abi_stable_adder::Sink_TO<'static, RBox<()>>, count: u64) -> u64 {
        (0..count).fold(self.constant, |number, _| sink.put(number))
    }
}

impl stabby_adder::Adder for Adding {
    extern "C" fn add(&self, number: u64) -> u64 {
        self.plus(number)
    }
    extern "C" fn sum<'a>(&self, bytes: stabby::slice::Slice<'a, u8>) -> u64 {
        self.total(bytes.into())
    }
    extern "C" fn measure<'a>(&self, text: stabby::str::Str<'a>) -> u64 {
        self.plus(text.len() as u64)
    }
    extern "C" fn bytes(&self, count: usize) -> stabby::vec::Vec<u8> {
        let mut bytes = stabby::vec::Vec::with_capacity(count);
        bytes.extend(std::iter::repeat_n(7, count));
        bytes
    }
    extern "C" fn repeat(&self, sink: stabby_adder::SinkObject, count: u64) -> u64 {
        use stabby_adder::SinkDyn as _;
        (0..count).fold(self.constant, |number, _| sink.put(number))
    }
}

impl cglue_adder::Adder for Adding {
    fn add(&self, number: u64) -> u64 {
        self.plus(number)
    }
    fn sum(&self, bytes: &[u8]) -> u64 {
        self.total(bytes)
    }
    fn measure(&self, text: &str) -> u64 {
        self.plus(text.len() as u64)
    }
}

/// The yardstick: Rust's own trait object, which works because one compiler built both.
#[unsafe(no_mangle)]
#[expect(
    improper_ctypes_definitions,
    reason = "the very thing that a stable boundary exists to avoid, as a yardstick"
)]
pub extern "C" fn peers_plain() -> Box<dyn ours::Adder> {
    Box::new(Adding::default())
}

/// A plain function.
#[unsafe(no_mangle)]
pub extern "C" fn peers_function(number: u64) -> u64 {
    number.wrapping_add(std::hint::black_box(3))
}

/// `abi_stable`.
#[unsafe(no_mangle)]
pub extern "C" fn peers_abi_stable() -> abi_stable_adder::Adder_TO<'static, RBox<()>> {
    abi_stable_adder::Adder_TO::from_value(Adding::default(), TD_Opaque)
}

/// `stabby`.
#[unsafe(no_mangle)]
pub extern "C" fn peers_stabby() -> stabby_adder::Object {
    stabby::boxed::Box::new(Adding::default()).into()
}

/// `cglue`.
#[unsafe(no_mangle)]
pub extern "C" fn peers_cglue() -> cglue_adder::AdderBox<'static> {
    trait_obj!(Adding::default() as cglue_adder::Adder)
}
