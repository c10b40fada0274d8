//! A value that satisfies a JSON schema: the arguments of a generated tool call, the body of a generated structured answer.
//!
//! Covers what the providers accept in strict mode (objects, arrays, scalars, enumerations, alternatives, local references)
//! and gives null for anything else, rather than failing: a mock has to say something.

use rand::RngExt;
use serde_json::{Map, Value, json};

use crate::dice::Dice;

/// Nesting beyond this is answered with null, so a recursive schema ends.
const DEPTH_MAX: u32 = 12;

/// Draws a value of `schema`. `word` supplies text for strings.
pub(crate) fn instance(schema: &Value, dice: &mut Dice, word: &mut dyn FnMut(&mut Dice) -> String) -> Value {
    draw(schema, schema, dice, word, 0)
}

fn draw(root: &Value, schema: &Value, dice: &mut Dice, word: &mut dyn FnMut(&mut Dice) -> String, depth: u32) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)).unwrap_or(&Value::Null);
        return draw(root, target, dice, word, depth + 1);
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    let alternatives = |name: &str| schema.get(name).and_then(Value::as_array).filter(|list| !list.is_empty());
    if let Some(options) = alternatives("enum") {
        return pick(options, dice).clone();
    }
    if let Some(options) = alternatives("anyOf").or_else(|| alternatives("oneOf")) {
        return draw(root, pick(options, dice), dice, word, depth + 1);
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "null",
    };
    match kind {
        "object" => object(root, schema, dice, word, depth),
        "array" => {
            let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
            let least = bound("minItems").unwrap_or(1).clamp(1, 16).min(bound("maxItems").unwrap_or(16));
            let items = schema.get("items").unwrap_or(&Value::Null);
            (0..least).map(|_| draw(root, items, dice, word, depth + 1)).collect()
        }
        "string" => Value::String(text(schema, dice, word)),
        "integer" => json!(whole(schema, dice)),
        "number" => json!(real(schema, dice)),
        "boolean" => Value::Bool(dice.random()),
        _ => Value::Null,
    }
}

fn object(
    root: &Value,
    schema: &Value,
    dice: &mut Dice,
    word: &mut dyn FnMut(&mut Dice) -> String,
    depth: u32,
) -> Value {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Value::Object(Map::new());
    };
    let drawn = properties.iter().map(|(name, property)| (name.clone(), draw(root, property, dice, word, depth + 1)));
    Value::Object(drawn.collect())
}

/// A whole number within the bounds, from 1 to 100 where there are none.
fn whole(schema: &Value, dice: &mut Dice) -> i64 {
    let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
    let beyond = |name: &str, step: i64| bound(name).map(|number| number.saturating_add(step));
    let least = bound("minimum").or_else(|| beyond("exclusiveMinimum", 1));
    let most = bound("maximum").or_else(|| beyond("exclusiveMaximum", -1));
    let least = least.unwrap_or_else(|| most.map_or(1, |most| most.min(1)));
    let most = most.unwrap_or_else(|| least.saturating_add(99)).max(least);
    let step = bound("multipleOf").unwrap_or(1).max(1);
    let drawn = dice.random_range(least..=most);
    let below = drawn - drawn.rem_euclid(step);
    if below >= least { below } else { below.saturating_add(step) }
}

/// A number strictly between the bounds if they are fractions, else a whole one.
fn real(schema: &Value, dice: &mut Dice) -> f64 {
    let bound = |names: [&str; 2]| names.into_iter().find_map(|name| schema.get(name).and_then(Value::as_f64));
    let least = bound(["minimum", "exclusiveMinimum"]);
    let most = bound(["maximum", "exclusiveMaximum"]);
    match (least, most) {
        (Some(least), Some(most)) if least < most => least + (most - least) * dice.random_range(0.01..0.99),
        (Some(least), None) if least.fract() != 0.0 => least + 1.0,
        (None, Some(most)) if most.fract() != 0.0 => most - 1.0,
        _ => whole(schema, dice) as f64,
    }
}

/// A text in the format asked for, if it is one of the usual ones, else a word; neither longer nor shorter than allowed.
fn text(schema: &Value, dice: &mut Dice, word: &mut dyn FnMut(&mut Dice) -> String) -> String {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-02T03:04:05Z".to_owned(),
        Some("date") => "2026-01-02".to_owned(),
        Some("time") => "03:04:05Z".to_owned(),
        Some("email") => "weigher@example.org".to_owned(),
        Some("uri") => "https://example.org/".to_owned(),
        Some("uuid") => crate::envelope::uuid(dice),
        _ => word(dice),
    };
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64).and_then(|bound| usize::try_from(bound).ok());
    let length = text.chars().count();
    // A text is never padded beyond reason, whatever the schema wants.
    let least = bound("minLength").unwrap_or(0).min(10_000);
    let most = bound("maxLength").unwrap_or(usize::MAX);
    text.chars().chain(std::iter::repeat_n('x', least.saturating_sub(length))).take(most).collect()
}

fn pick<'a>(options: &'a [Value], dice: &mut Dice) -> &'a Value {
    options.get(dice.random_range(0..options.len())).unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn bounds_and_formats_are_kept() {
        let schema = json!({"type": "object", "properties": {
            "share": {"type": "number", "minimum": 0.25, "maximum": 0.5},
            "even": {"type": "integer", "minimum": 3, "exclusiveMaximum": 9, "multipleOf": 2},
            "cold": {"type": "integer", "maximum": -5},
            "day": {"type": "string", "format": "date"},
            "code": {"type": "string", "minLength": 6, "maxLength": 8},
            "none": {"type": "array", "items": {"type": "string"}, "maxItems": 0},
        }});
        for seed in 0..50 {
            let value = instance(&schema, &mut Dice::seed_from_u64(seed), &mut |_| "word".to_owned());
            assert!((0.25..=0.5).contains(&value["share"].as_f64().unwrap()), "{value}");
            assert!([4, 6, 8].contains(&value["even"].as_i64().unwrap()), "{value}");
            assert!(value["cold"].as_i64().unwrap() <= -5, "{value}");
            assert_eq!((&value["day"], &value["code"]), (&json!("2026-01-02"), &json!("wordxx")));
            assert_eq!(value["none"], json!([]));
        }
    }

    #[test]
    fn draws_every_kind_and_ends_on_recursion() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 3, "maximum": 5},
                "unit": {"enum": ["c", "f"]},
                "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
                "note": {"type": ["null", "number"]},
                "child": {"$ref": "#"},
            },
        });
        let mut dice = Dice::seed_from_u64(1);
        let value = instance(&schema, &mut dice, &mut |_| "word".to_owned());
        assert_eq!(value["city"], "word");
        assert!((3..=5).contains(&value["days"].as_i64().unwrap()));
        assert!(value["unit"] == "c" || value["unit"] == "f");
        assert_eq!(value["tags"].as_array().unwrap().len(), 2);
        assert!(value["note"].is_f64());
        assert_eq!(value["child"]["city"], "word");
        assert_eq!(instance(&Value::Null, &mut dice, &mut |_| String::new()), Value::Null);
    }
}
