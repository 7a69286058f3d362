//! A misfit is told as a difference that one can act on.

use plugwright_manifest::schema::{
    Bounds, ConstantShape, FieldShape, Holder, InterfaceShape, MethodShape, Receiver, Scalar,
    Schema, Shape, VariantShape,
};
use plugwright_manifest::{InterfaceVersion, compat};

use crate::{ENCODE, NAME, U32, described, mismatch, provided_and_schema};

const fn wanted(major: u16, minor: u16, methods: &'static [MethodShape]) -> InterfaceShape {
    InterfaceShape {
        id: "org.example.codec",
        version: InterfaceVersion::new(major, minor),
        bounds: Bounds::NONE,
        methods,
        requires: &[],
    }
}

#[track_caller]
fn check(wanted: &InterfaceShape, expected: &str) {
    assert_eq!(mismatch(wanted), expected);
}

#[test]
fn a_prefix_fits() {
    check(&wanted(1, 2, &[NAME, ENCODE]), "fits");
    check(&wanted(1, 0, &[NAME]), "fits");
}

#[test]
fn another_major_version() {
    check(
        &wanted(2, 0, &[NAME]),
        "the plugin provides org.example.codec 1.2, the host wants 2.0: another major version \
         breaks by intent",
    );
}

#[test]
fn a_method_that_the_plugin_does_not_have() {
    const WINDOW: MethodShape = MethodShape::new("window", Receiver::Shared, &[], U32, 2);
    check(
        &wanted(1, 3, &[NAME, ENCODE, WINDOW]),
        "the plugin provides org.example.codec 1.2, the host wants 1.3: the plugin has no \
         `fn window(&self) -> u32`",
    );
}

#[test]
fn a_method_that_was_added_later_is_not_missed() {
    const WINDOW: MethodShape = MethodShape::new("window", Receiver::Shared, &[], U32, 3);
    check(&wanted(1, 3, &[NAME, ENCODE, WINDOW]), "fits");
}

#[test]
fn a_parameter_of_another_type() {
    const OTHER: MethodShape = MethodShape::new(
        "encode",
        Receiver::Shared,
        &[
            FieldShape {
                name: "input",
                shape: &Shape::Slice(&Shape::Scalar(Scalar::U8)),
            },
            FieldShape {
                name: "level",
                shape: &Shape::Option(&Shape::Scalar(Scalar::I64)),
            },
        ],
        ENCODE.result,
        0,
    );
    check(
        &wanted(1, 2, &[NAME, OTHER]),
        "the plugin and the host both have org.example.codec 1.2, and yet they differ: method `encode` at \
         level.Some: the host has `i64`, the plugin has `u32`",
    );
}

#[test]
fn a_variants_field_of_another_type() {
    const OTHER: MethodShape = MethodShape::new(
        "encode",
        Receiver::Shared,
        ENCODE.params,
        &Shape::Result(
            &Shape::Vec(&Shape::Scalar(Scalar::U8)),
            &Shape::Enum(
                "CodecError",
                &[
                    VariantShape {
                        name: "Corrupt",
                        fields: &[FieldShape {
                            name: "offset",
                            shape: U32,
                        }],
                    },
                    VariantShape {
                        name: "Call",
                        fields: &[],
                    },
                ],
            ),
        ),
        0,
    );
    check(
        &wanted(1, 2, &[NAME, OTHER]),
        "the plugin and the host both have org.example.codec 1.2, and yet they differ: method `encode` at \
         result.Err.Corrupt.offset: the host has `u32`, the plugin has `u64`",
    );
}

#[test]
fn a_constant_with_another_value() {
    const fn constant(scalar: Scalar, bits: u64, text: &'static str) -> Shape {
        Shape::Constant(ConstantShape { scalar, bits, text })
    }
    #[track_caller]
    fn check(host: Shape, plugin: Shape, expected: &str) {
        let method = |shape| {
            let shape = Box::leak(Box::new(shape));
            MethodShape::new("LIMIT", Receiver::Shared, &[], shape, 0)
        };
        let plugin = method(plugin);
        let (mut provided, mut schema) = provided_and_schema();
        provided.fingerprints = vec![plugin.fingerprint()];
        schema.methods = vec![(&plugin).into()];
        let wanted = wanted(1, 2, vec![method(host)].leak());
        let found = compat::check(&wanted, &provided, Some(&schema));
        let found = found.map_or_else(|error| error.to_string(), |()| "fits".to_owned());
        assert!(found.ends_with(expected), "{found}");
    }
    let small = constant(Scalar::U32, 7, "");
    check(small, small, "fits");
    check(
        constant(Scalar::U32, 8, ""),
        small,
        "constant `LIMIT`: the host has `u32 = 8`, the plugin has `u32 = 7`",
    );
    check(
        constant(Scalar::I64, (-7_i64).cast_unsigned(), ""),
        small,
        "the host has `i64 = -7`, the plugin has `u32 = 7`",
    );
    check(
        constant(Scalar::Str, 0, "a\"b"),
        constant(Scalar::F32, u64::from(0.5_f32.to_bits()), ""),
        r#"the host has `&str = "a\"b"`, the plugin has `f32 = 0.5`"#,
    );
    check(
        constant(Scalar::Char, u64::from('ß'), ""),
        constant(Scalar::Bool, 1, ""),
        "the host has `char = 'ß'`, the plugin has `bool = true`",
    );
    check(
        small,
        *U32,
        "the host has `u32 = 7`, the plugin has `fn LIMIT(&self) -> u32`",
    );
}

/// A method that returns it.
fn opened(shape: &'static Shape) -> MethodShape {
    MethodShape::new("opened", Receiver::Shared, &[], shape, 0)
}

#[test]
fn an_enum_that_grows() {
    const fn variant(name: &'static str) -> VariantShape {
        VariantShape { name, fields: &[] }
    }
    const A: VariantShape = variant("A");
    const B: VariantShape = variant("B");
    #[track_caller]
    fn check(host: &'static Shape, expected: &str) {
        const PLUGIN: &Shape = &Shape::Open("Event", &[A], &[B]);
        let plugin = opened(PLUGIN);
        let (mut provided, mut schema) = provided_and_schema();
        provided.fingerprints = vec![plugin.fingerprint()];
        schema.methods = vec![(&plugin).into()];
        let wanted = wanted(1, 2, vec![opened(host)].leak());
        let found = compat::check(&wanted, &provided, Some(&schema));
        let found = found.map_or_else(|error| error.to_string(), |()| "fits".to_owned());
        assert!(found.ends_with(expected), "{found}");
    }
    check(&Shape::Open("Event", &[A], &[]), "fits");
    const C: VariantShape = variant("C");
    check(&Shape::Open("Event", &[A], &[C, B]), "fits");
    check(
        &Shape::Open("Event", &[A, B], &[]),
        "method `opened` at result: the host has `A | B`, the plugin has `A`",
    );
    check(
        &Shape::Enum("Event", &[A, B]),
        "method `opened` at result: the host has `Event`, the plugin has `Event with #[unknown]`",
    );
}

/// What a trait requires is told once, and not for each method; without the schema too.
#[test]
fn another_bound() {
    const BOTH: Bounds = Bounds {
        send: true,
        sync: true,
    };
    let (provided, schema) = provided_and_schema();
    let check = |wanted: InterfaceShape, expected: &str| {
        for schema in [None, Some(&schema)] {
            let error = compat::check(&wanted, &provided, schema).expect_err("another bound");
            let found = error.to_string();
            assert!(found.starts_with(expected), "{found}");
        }
    };
    let told = "the plugin and the host both have org.example.codec 1.2, and yet they differ: the trait requires \
                Send + Sync in the host, and neither Send nor Sync in the plugin";
    let wanted = |methods| InterfaceShape {
        bounds: BOTH,
        ..wanted(1, 2, methods)
    };
    check(wanted(&[NAME, ENCODE]), told);
    let error = compat::check(&wanted(&[NAME, ENCODE]), &provided, None);
    assert_eq!(error.expect_err("another bound").to_string(), told);
    // An interface without methods has bounds too.
    let (mut marker, _) = provided_and_schema();
    marker.fingerprints.clear();
    let error = compat::check(&wanted(&[]), &marker, None);
    assert_eq!(error.expect_err("another bound").to_string(), told);
    // A method that differs beside it is told as well.
    const OTHER: MethodShape = MethodShape::new("name", Receiver::Shared, &[], U32, 0);
    check(wanted(&[OTHER, ENCODE]), &format!("{told}; method `name`"));
}

/// What differs in an interface that is required is told as in the interface itself, and without the
/// schema more coarsely.
#[test]
fn a_required_interface() {
    const NAMED: InterfaceShape = InterfaceShape {
        id: "org.example.named",
        ..wanted(1, 1, &[NAME])
    };
    const REQUIRES: MethodShape = MethodShape::new(
        "org.example.named",
        Receiver::Shared,
        &[],
        &Shape::Interface(Holder::Super, "org.example.named", 1),
        0,
    );
    const PLUGIN: InterfaceShape = InterfaceShape {
        requires: &[&NAMED],
        ..wanted(1, 2, &[REQUIRES, ENCODE])
    };
    let (provided, schema) = described(&PLUGIN);
    let methods = |schema: &Schema| schema.methods.len();
    assert_eq!((methods(&schema), methods(&schema.requires[0])), (2, 1));
    assert_eq!(schema.to_shape().requires[0].id, "org.example.named");
    let check = |required: InterfaceShape, schema, expected: &str| {
        let required: &[&InterfaceShape] = vec![&*Box::leak(Box::new(required))].leak();
        let wanted = InterfaceShape {
            requires: required,
            ..PLUGIN
        };
        match compat::check(&wanted, &provided, schema) {
            Ok(()) => assert_eq!(expected, "fits"),
            Err(found) => assert_eq!(found.to_string(), expected),
        }
    };
    check(NAMED, Some(&schema), "fits");
    const OTHER: MethodShape = MethodShape::new("name", Receiver::Shared, &[], U32, 0);
    let other = InterfaceShape {
        methods: &[OTHER],
        ..NAMED
    };
    check(
        other,
        Some(&schema),
        "the plugin and the host both have org.example.codec 1.2, and yet they differ: org.example.named, which it \
         requires, is at 1.1 in both, and yet differs: method `name` at result: the host has `u32`, the plugin has \
         `String`",
    );
    check(
        other,
        None,
        "the plugin and the host both have org.example.codec 1.2, and yet they differ: org.example.named, which it \
         requires, is at 1.1 in both, and yet differs: method `name`: the host has `fn name(&self) -> u32`, the \
         plugin another signature",
    );
    let later = |since| InterfaceShape {
        version: InterfaceVersion::new(1, 2),
        methods: vec![
            NAME,
            MethodShape::new("name", Receiver::Shared, &[], U32, since),
        ]
        .leak(),
        ..NAMED
    };
    check(later(2), None, "fits");
    check(
        later(1),
        None,
        "the plugin and the host both have org.example.codec 1.2, and yet they differ: org.example.named, which it \
         requires, is at 1.1 in the plugin and at 1.2 in the host: the plugin has no `fn name(&self) -> u32`",
    );
    let bounds = Bounds {
        send: true,
        sync: false,
    };
    check(
        InterfaceShape { bounds, ..NAMED },
        None,
        "the plugin and the host both have org.example.codec 1.2, and yet they differ: org.example.named, which it \
         requires, is at 1.1 in both, and yet differs: the trait requires Send in the host, and neither Send nor \
         Sync in the plugin",
    );
    // A record that says that it requires the interface, and does not describe it.
    let mut without = provided.clone();
    without.requires.clear();
    let error = compat::check(&PLUGIN, &without, Some(&schema)).expect_err("it may be any");
    assert_eq!(
        error.to_string(),
        "the plugin and the host both have org.example.codec 1.2, and yet they differ: the plugin has no `requires \
         org.example.named 1`"
    );
}

#[test]
fn swapped_methods() {
    check(
        &wanted(1, 2, &[ENCODE, NAME]),
        "the plugin and the host both have org.example.codec 1.2, and yet they differ: method `encode`: the host \
         has `fn encode(&self, input: &[u8], level: Option<u32>) -> Result<Vec<u8>, CodecError>`, the plugin has \
         `fn name(&self) -> String`; method `name`: the host has `fn name(&self) -> String`, the plugin has `fn \
         encode(&self, input: &[u8], level: Option<u32>) -> Result<Vec<u8>, CodecError>`",
    );
}

/// Without the plugin's schema, or with one that lies, the answer is coarser and the same.
#[test]
fn the_schema_decides_nothing() {
    let (mut provided, schema) = provided_and_schema();
    provided.fingerprints[0] ^= 1;
    for schema in [None, Some(&schema)] {
        let error = compat::check(&wanted(1, 2, &[NAME, ENCODE]), &provided, schema)
            .expect_err("must be refused");
        assert_eq!(
            error.to_string(),
            "the plugin and the host both have org.example.codec 1.2, and yet they differ: method `name`: the host \
             has `fn name(&self) -> String`, the plugin another signature",
        );
    }
}
