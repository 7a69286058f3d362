//! The constants of interfaces, as they stand in shapes and vtables.

use plugwright_manifest::schema::{ConstantShape, MethodShape, Scalar, Shape};

macro_rules! constants {
    ($($function:ident($value:ident: $type:ty) = $scalar:ident, $bits:expr, $text:expr;)*) => {$(
        /// The shape of a constant of this type.
        #[must_use]
        pub const fn $function($value: $type) -> ConstantShape {
            ConstantShape {
                scalar: Scalar::$scalar,
                bits: $bits,
                text: $text,
            }
        }
    )*};
}

constants! {
    of_bool(value: bool) = Bool, value as u64, "";
    of_char(value: char) = Char, value as u64, "";
    of_u8(value: u8) = U8, value as u64, "";
    of_u16(value: u16) = U16, value as u64, "";
    of_u32(value: u32) = U32, value as u64, "";
    of_u64(value: u64) = U64, value, "";
    of_usize(value: usize) = Usize, value as u64, "";
    of_i8(value: i8) = I8, (value as i64).cast_unsigned(), "";
    of_i16(value: i16) = I16, (value as i64).cast_unsigned(), "";
    of_i32(value: i32) = I32, (value as i64).cast_unsigned(), "";
    of_i64(value: i64) = I64, value.cast_unsigned(), "";
    of_isize(value: isize) = Isize, (value as i64).cast_unsigned(), "";
    of_f32(value: f32) = F32, value.to_bits() as u64, "";
    of_f64(value: f64) = F64, value.to_bits(), "";
    of_str(value: &'static str) = Str, 0, value;
}

/// What stands in a vtable for a constant: where its value is, in eight bytes.
///
/// # Panics
/// When the method is none that stands for a constant.
#[must_use]
pub const fn entry(constant: &'static MethodShape) -> *const u64 {
    match constant.result {
        Shape::Constant(constant) => &raw const constant.bits,
        _ => panic!("no constant"),
    }
}
