//! What fingerprints tell, and what the compiler refuses.

use super::*;

const U32: &Shape = &Shape::Scalar(Scalar::U32);
const U64: &Shape = &Shape::Scalar(Scalar::U64);

const fn method(name: &'static str, params: &'static [FieldShape]) -> MethodShape {
    MethodShape::new(name, Receiver::Shared, params, U64, 0)
}

const fn field(name: &'static str, shape: &'static Shape) -> FieldShape {
    FieldShape { name, shape }
}

#[test]
fn fingerprints_tell_what_crosses() {
    const PLAIN: MethodShape = method("size", &[field("level", U32)]);
    const RENAMED: MethodShape = method("size", &[field("depth", U32)]);
    const WIDER: MethodShape = method("size", &[field("level", U64)]);
    const OTHER: MethodShape = method("span", &[field("level", U32)]);
    assert_eq!(PLAIN.fingerprint(), RENAMED.fingerprint());
    assert_ne!(PLAIN.fingerprint(), WIDER.fingerprint());
    assert_ne!(PLAIN.fingerprint(), OTHER.fingerprint());
}

#[test]
fn bounds_have_a_number() {
    for code in 0..4 {
        let bounds = Bounds::from_code(code).expect("one of four");
        assert_eq!((bounds.code(), bounds.any_thread()), (code, code == 3));
    }
    assert_eq!(Bounds::from_code(4), None);
    assert_eq!(Bounds::from_code(0), Some(Bounds::NONE));
}

#[test]
fn fingerprints_tell_receivers() {
    const SHARED: MethodShape = method("size", &[]);
    let of = |receiver| MethodShape::new("size", receiver, &[], U64, 0).fingerprint();
    assert_ne!(of(Receiver::Exclusive), SHARED.fingerprint());
    assert_ne!(of(Receiver::Owned), SHARED.fingerprint());
    assert_ne!(of(Receiver::Owned), of(Receiver::Exclusive));
}

#[test]
fn fingerprints_tell_fields_not_type_names() {
    const A: &Shape = &Shape::Struct("A", &[field("x", U32), field("y", U32)]);
    const B: &Shape = &Shape::Struct("B", &[field("x", U32), field("y", U32)]);
    const SWAPPED: &Shape = &Shape::Struct("A", &[field("y", U32), field("x", U32)]);
    let of = |shape: &'static Shape| {
        MethodShape::new("put", Receiver::Shared, &[], shape, 0).fingerprint()
    };
    assert_eq!(of(A), of(B));
    assert_ne!(of(A), of(SWAPPED));
    assert_ne!(of(A), of(&Shape::Option(A)));
}

/// What may be added without asking is what stands behind the unknown variant.
#[test]
fn fingerprints_tell_what_an_enum_had_from_the_start() {
    const fn variant(name: &'static str, fields: &'static [FieldShape]) -> VariantShape {
        VariantShape { name, fields }
    }
    const A: VariantShape = variant("A", &[]);
    const B: VariantShape = variant("B", &[field("0", U32)]);
    const WIDER: VariantShape = variant("B", &[field("0", U64)]);
    let of = |shape: Shape| returning(Box::leak(Box::new(shape))).methods[0].fingerprint();
    let first = of(Shape::Open("E", &[A], &[]));
    assert_eq!(of(Shape::Open("F", &[A], &[B])), first);
    assert_ne!(of(Shape::Open("E", &[A, B], &[])), first);
    assert_ne!(of(Shape::Open("E", &[B], &[])), first);
    assert_ne!(of(Shape::Enum("E", &[A])), first);

    assert_ne!(WIDER.fingerprint(), B.fingerprint());
    let open = Shape::Open("E", &[A], &[B]);
    assert_eq!(
        [open.variant(0), open.variant(1)],
        [A.fingerprint(), B.fingerprint()]
    );
}

#[test]
#[should_panic(expected = "holds an object or a `&mut` slice")]
fn an_object_in_a_variant_that_was_added_later_is_refused_by_the_compiler() {
    let object = field("0", &Shape::Interface(Holder::Box, "org.example.a", 1));
    let later = VariantShape {
        name: "Later",
        fields: vec![object].leak(),
    };
    let open = Shape::Open("E", &[], vec![later].leak());
    let _ = returning(Box::leak(Box::new(open))).checked(0);
}

fn returning(shape: &'static Shape) -> InterfaceShape {
    let method = MethodShape::new("get", Receiver::Shared, &[], shape, 0);
    InterfaceShape {
        id: "org.example.deep",
        version: InterfaceVersion::new(1, 0),
        bounds: Bounds::NONE,
        methods: Box::leak(Box::new([method])),
        requires: &[],
    }
}

fn nested(depth: usize) -> &'static Shape {
    (0..depth).fold(U32, |inner, _| Box::leak(Box::new(Shape::Option(inner))))
}

/// What the compiler lets pass, a reader takes, and the other way round.
#[test]
fn what_is_declared_can_be_read_back() {
    let shape = returning(nested(32)).checked(0);
    let bytes = crate::embed::schema_bytes(&shape);
    crate::record::decode_schema(&bytes).expect("32 are read");
    let bytes = crate::embed::schema_bytes(&returning(nested(33)));
    crate::record::decode_schema(&bytes).expect_err("33 are not");
}

#[test]
#[should_panic(expected = "nested deeper than a record can hold")]
fn what_is_nested_too_deep_is_refused_by_the_compiler() {
    let _ = returning(nested(33)).checked(0);
}

#[test]
#[should_panic(expected = "more fields than a record can hold")]
fn too_many_fields_are_refused_by_the_compiler() {
    let fields = vec![field("x", U32); 4_097].leak();
    let _ = returning(Box::leak(Box::new(Shape::Struct("Wide", fields)))).checked(0);
}

#[test]
#[should_panic(expected = "more variants than a record can hold")]
fn too_many_variants_are_refused_by_the_compiler() {
    let one = VariantShape {
        name: "A",
        fields: &[],
    };
    let variants = vec![one; 4_097].leak();
    let _ = returning(Box::leak(Box::new(Shape::Enum("Wide", variants)))).checked(0);
}

#[test]
#[should_panic(expected = "more methods than a record can hold")]
fn too_many_methods_are_refused_by_the_compiler() {
    let methods = vec![method("x", &[]); 4_097].leak();
    let _ = InterfaceShape {
        methods,
        ..returning(U32)
    }
    .checked(0);
}

#[test]
#[should_panic(expected = "a text that is longer than a record can hold")]
fn a_constant_that_is_too_long_is_refused_by_the_compiler() {
    let constant = |length| ConstantShape {
        scalar: Scalar::Str,
        bits: 0,
        text: "a".repeat(length).leak(),
    };
    let shape = |length| Box::leak(Box::new(Shape::Constant(constant(length))));
    let _ = returning(shape(1_025)).checked(0);
}

const FUTURE: &Shape = &Shape::Future(U64);

#[test]
fn fingerprints_tell_futures() {
    let of = |shape| returning(shape).methods[0].fingerprint();
    assert_ne!(of(FUTURE), of(U64));
    assert_ne!(of(FUTURE), of(&Shape::LocalFuture(U64)));
    assert_ne!(of(FUTURE), of(&Shape::Future(U32)));
    let _ = returning(FUTURE).checked(1);
}

#[test]
#[should_panic(expected = "a future inside of something else")]
fn a_future_inside_of_a_result_is_refused_by_the_compiler() {
    let _ = returning(&Shape::Option(FUTURE)).checked(0);
}

#[test]
#[should_panic(expected = "a future under another name")]
fn a_future_of_another_name_is_refused_by_the_compiler() {
    let _ = returning(FUTURE).checked(0);
}

/// A fingerprint is part of the format: it must never change by accident.
#[test]
fn fingerprints_are_stable() {
    const SIZE: MethodShape = method("size", &[field("level", U32)]);
    assert_eq!(SIZE.fingerprint(), 0xe0ef_741c_664b_d3f2);
}

#[test]
fn methods_read_like_rust() {
    const RESULT: &Shape = &Shape::Result(
        &Shape::Vec(&Shape::Scalar(Scalar::U8)),
        &Shape::Enum("CodecError", &[]),
    );
    const PARAMS: &[FieldShape] = &[
        field("input", &Shape::Slice(&Shape::Scalar(Scalar::U8))),
        field("level", U32),
    ];
    let method = Method::from(&MethodShape::new(
        "encode",
        Receiver::Shared,
        PARAMS,
        RESULT,
        0,
    ));
    assert_eq!(
        method.to_string(),
        "fn encode(&self, input: &[u8], level: u32) -> Result<Vec<u8>, CodecError>"
    );
}
