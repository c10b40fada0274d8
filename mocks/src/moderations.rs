//! Moderation by a list of words: crude, deterministic, and enough to see verdicts flow.

use serde_json::{Map, Value, json};

use crate::request::FieldFault;
use crate::request::field::{object, present, text};

/// The model that judges unless the request names one.
const MODEL: &str = "omni-moderation-latest";
const MODELS: [&str; 5] =
    [MODEL, "omni-moderation-2024-09-26", "text-moderation-latest", "text-moderation-stable", "text-moderation-007"];

/// A category, whether pictures are scored for it, and the words that give it away.
type Category = (&'static str, bool, &'static [&'static str]);

/// All categories in the provider's order. The words in capitals are for tests: nothing else means them.
const CATEGORIES: [Category; 13] = [
    ("harassment", false, &["you are worthless", "shut up, idiot", "TEST-HARASSMENT"]),
    ("harassment/threatening", false, &["i will hurt you", "i will find you", "TEST-THREAT"]),
    ("hate", false, &["subhuman", "those people are vermin", "TEST-HATE"]),
    ("hate/threatening", false, &["exterminate them all", "TEST-HATE-THREAT"]),
    ("illicit", false, &["launder money", "forge a passport", "TEST-ILLICIT"]),
    ("illicit/violent", false, &["build a bomb", "make a bomb", "TEST-ILLICIT-VIOLENT"]),
    ("self-harm", true, &["hurt myself", "harm myself", "TEST-SELF-HARM"]),
    ("self-harm/intent", true, &["want to die", "kill myself", "TEST-SELF-HARM-INTENT"]),
    ("self-harm/instructions", true, &["how to harm myself", "TEST-SELF-HARM-INSTRUCTIONS"]),
    ("sexual", true, &["pornographic", "TEST-SEXUAL"]),
    ("sexual/minors", false, &["TEST-SEXUAL-MINORS"]),
    ("violence", true, &["kill them", "kill him", "kill her", "stab", "TEST-VIOLENCE"]),
    ("violence/graphic", true, &["dismembered", "guts spilled", "TEST-GORE"]),
];

/// A request to judge.
#[derive(Debug)]
pub(crate) struct ModerationRequest {
    pub(crate) model: String,
    subjects: Vec<Subject>,
}

/// What is judged together.
#[derive(Debug, Default)]
struct Subject {
    text: String,
    has_text: bool,
    /// Addresses of pictures; a word of the list in one stands for what can be seen.
    images: String,
    has_images: bool,
}

impl ModerationRequest {
    pub(crate) fn read(body: &Value) -> Result<Self, FieldFault> {
        let model =
            present(object(body)?, "model").map_or_else(|| Ok(MODEL.to_owned()), |model| text(model, "model"))?;
        Ok(Self { model, subjects: subjects(body)? })
    }

    pub(crate) fn serves(model: &str) -> bool {
        MODELS.contains(&model)
    }

    /// The answer; `stem` makes its id.
    pub(crate) fn answer(&self, stem: &str) -> String {
        let results: Vec<Value> = self.subjects.iter().map(Subject::verdict).collect();
        json!({"id": format!("modr-{stem}"), "model": shown(&self.model), "results": results}).to_string()
    }
}

/// Whether any category is hit.
pub(crate) fn flags(text: &str) -> bool {
    CATEGORIES.iter().any(|(_, _, words)| contains(text, words))
}

/// The categories that are hit.
pub(crate) fn hits(text: &str) -> Vec<&'static str> {
    CATEGORIES.iter().filter(|(_, _, words)| contains(text, words)).map(|(name, _, _)| *name).collect()
}

/// Whether there is a category of this name.
#[cfg(test)]
pub(crate) fn knows(category: &str) -> bool {
    CATEGORIES.iter().any(|(name, _, _)| *name == category)
}

/// The member `moderation` of a chat completion: what is thought of its input and of its output.
pub(crate) fn beside(model: &str, input: &str, output: &str) -> Value {
    let of = |text: &str| {
        let subject = Subject { text: text.to_owned(), has_text: true, ..Subject::default() };
        let mut verdict = subject.verdict();
        verdict["type"] = Value::from("moderation_result");
        verdict["model"] = Value::from(shown(model));
        json!({"type": "moderation_results", "model": shown(model), "results": [verdict]})
    };
    json!({"input": of(input), "output": of(output)})
}

/// The name under which a model answers.
fn shown(model: &str) -> &str {
    if model == MODEL { "omni-moderation-2024-09-26" } else { model }
}

fn subjects(body: &Value) -> Result<Vec<Subject>, FieldFault> {
    let fault = || FieldFault::wrong("input", "a string, an array of strings, or an array of text and image_url parts");
    let of_text = |text: &str| Subject { text: text.to_owned(), has_text: true, ..Subject::default() };
    match present(body, "input") {
        None => Err(FieldFault::missing("input", "a text, an array of texts, or parts")),
        Some(Value::String(text)) => Ok(vec![of_text(text)]),
        Some(Value::Array(list)) if list.first().is_some_and(Value::is_string) => {
            list.iter().map(|item| item.as_str().map(of_text).ok_or_else(fault)).collect()
        }
        Some(Value::Array(parts)) if !parts.is_empty() => {
            let mut subject = Subject::default();
            for part in parts {
                subject.add(part).ok_or_else(fault)?;
            }
            Ok(vec![subject])
        }
        Some(_) => Err(fault()),
    }
}

impl Subject {
    fn add(&mut self, part: &Value) -> Option<()> {
        match part.get("type")?.as_str()? {
            "text" => {
                self.text.push_str(part.get("text")?.as_str()?);
                self.text.push('\n');
                self.has_text = true;
            }
            "image_url" => {
                self.images.push_str(part.get("image_url")?.get("url")?.as_str()?);
                self.images.push('\n');
                self.has_images = true;
            }
            _ => return None,
        }
        Some(())
    }

    fn verdict(&self) -> Value {
        let (mut categories, mut scores, mut applied) = (Map::new(), Map::new(), Map::new());
        for (name, sees, words) in CATEGORIES {
            let hit = contains(&self.text, words) || (sees && contains(&self.images, words));
            categories.insert(name.to_owned(), Value::Bool(hit));
            scores.insert(name.to_owned(), json!(score(name, &self.text, hit)));
            let text = self.has_text.then_some("text");
            let image = (sees && self.has_images).then_some("image");
            applied.insert(name.to_owned(), text.into_iter().chain(image).collect());
        }
        let flagged = categories.values().any(|hit| *hit == Value::Bool(true));
        json!({"flagged": flagged, "categories": categories, "category_scores": scores,
               "category_applied_input_types": applied})
    }
}

fn contains(text: &str, words: &[&str]) -> bool {
    let lower = text.to_lowercase();
    words.iter().any(|word| match word.strip_prefix("TEST-") {
        // Test words stand alone, so that TEST-HATE-THREAT is not TEST-HATE too.
        Some(_) => text
            .split(|character: char| !(character.is_ascii_alphabetic() || character == '-'))
            .any(|found| found == *word),
        None => lower.contains(word),
    })
}

/// Near 1 for a hit, near 0 otherwise, and a little different for each category and text.
fn score(category: &str, text: &str, hit: bool) -> f64 {
    let sum: u32 = category.bytes().chain(text.bytes()).fold(7, |sum, byte| (sum * 31 + u32::from(byte)) % 9973);
    let small = f64::from(sum) / 9973.0 * 0.02;
    if hit { 0.97 + small } else { small * small }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flagged(text: &str) -> Vec<String> {
        let verdict = Subject { text: text.to_owned(), has_text: true, ..Subject::default() }.verdict();
        let categories = verdict["categories"].as_object().unwrap();
        assert_eq!(verdict["flagged"], categories.values().any(|hit| hit == &Value::Bool(true)));
        for (name, hit) in categories {
            let score = verdict["category_scores"][name].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&score) && (score > 0.5) == hit.as_bool().unwrap(), "{name}: {score}");
        }
        categories.iter().filter(|(_, hit)| **hit == Value::Bool(true)).map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn each_category_has_a_test_word_of_its_own() {
        for (name, _, words) in CATEGORIES {
            let word = words.iter().find(|word| word.starts_with("TEST-")).unwrap();
            assert_eq!(flagged(&format!("please judge: {word}.")), [name]);
        }
        assert!(flagged("How does a weighbridge work?").is_empty());
    }
}
