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
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, 16);
            let items = schema.get("items").unwrap_or(&Value::Null);
            (0..least).map(|_| draw(root, items, dice, word, depth + 1)).collect()
        }
        "string" => Value::String(word(dice)),
        "integer" => json!(whole(schema, dice)),
        "number" => json!(whole(schema, dice) as f64),
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

fn whole(schema: &Value, dice: &mut Dice) -> i64 {
    let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
    let least = bound("minimum").unwrap_or(1);
    let most = bound("maximum").unwrap_or_else(|| least.saturating_add(99)).max(least);
    dice.random_range(least..=most)
}

fn pick<'a>(options: &'a [Value], dice: &mut Dice) -> &'a Value {
    options.get(dice.random_range(0..options.len())).unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

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
