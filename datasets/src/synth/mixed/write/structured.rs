//! Turns whose answers have a form: JSON of a schema, and calls of functions.

use super::{Called, Reply, Spoken, Wish, Writer};
use crate::synth::scenes::forms::{FORMS, Form};
use crate::synth::scenes::functions::{FUNCTIONS, Function};
use crate::synth::words::Facts;
use crate::synth::{Language, ScriptToolCall};
use serde_json::{Value, json};

/// Items of the longest list.
const ITEMS_MAX: u64 = 28;

impl Writer {
    /// A message to be read into JSON.
    pub(super) fn form(&mut self, wish: Wish<'_>, facts: &Facts, schema: bool) -> Spoken {
        /// Tokens of an answer without items, and of one item, about.
        const TOKENS: (u64, u64) = (26, 14);
        let index = usize::try_from(self.dice.below(FORMS.len() as u64)).unwrap_or(0);
        let form = FORMS.get(index).unwrap_or(&FORMS[0]);
        let english = wish.language == Language::English;
        let count = (wish.completion_tokens.saturating_sub(TOKENS.0 - TOKENS.1 / 2) / TOKENS.1).clamp(1, ITEMS_MAX);
        let of_items: Vec<Facts> = (0..count).map(|_| facts.next_turn(&mut self.dice)).collect();
        let fill = |facts: &Facts, template: &str| facts.fill(template, wish.language);
        let mut user = fill(facts, if english { form.asks.0 } else { form.asks.1 });
        user.extend(of_items.iter().map(|item| fill(item, if english { form.says.0 } else { form.says.1 })));
        user.push(if english { '"' } else { '”' });
        let items: Vec<String> = of_items.iter().map(|item| fill(item, form.item)).collect();
        let answer = fill(facts, &form.answer.replace("{items}", &items.join(",")));
        let line = self.section(wish.task.title(), wish.language);
        // DeepSeek's answer is laid out over several lines half of the time.
        let deepseek = match serde_json::from_str::<Value>(&answer) {
            Ok(value) if self.dice.percent(50) => format!("{value:#}"),
            _ => answer.clone(),
        };
        let format = Some(if schema { with_schema(form) } else { json!({"type": "json_object"}) });
        Spoken { format, ..Spoken::plain(user, line, Reply::Text(answer), Reply::Text(deepseek)) }
    }

    /// A question that needs a function, or, after a call, one that its result answers.
    pub(super) fn functions(&mut self, wish: Wish<'_>, facts: &Facts) -> Spoken {
        let english = wish.language == Language::English;
        let fill = |template: &str| facts.fill(template, wish.language);
        let line = self.section(wish.task.title(), wish.language);
        if let Some(function) = wish.called.and_then(|called| FUNCTIONS.get(called.function)) {
            let user = fill(if english { function.follow_ups.0 } else { function.follow_ups.1 });
            let answer = Reply::Text(fill(if english { function.answers.0 } else { function.answers.1 }));
            return Spoken::plain(user, line, answer.clone(), answer);
        }
        let index = usize::try_from(self.dice.below(FUNCTIONS.len() as u64)).unwrap_or(0);
        let function = FUNCTIONS.get(index).unwrap_or(&FUNCTIONS[0]);
        let user = fill(if english { function.asks.0 } else { function.asks.1 });
        let called = self.call(index, function, wish.language, facts);
        let reply = if wish.alone && self.dice.percent(35) {
            // The call was made before; this request brings its result.
            Reply::Text(fill(if english { function.answers.0 } else { function.answers.1 }))
        } else {
            Reply::Calls(called.calls.clone())
        };
        Spoken { called: Some(called), ..Spoken::plain(user, line, reply.clone(), reply) }
    }

    /// The call that a question needs; one in five asks for a second one beside it.
    fn call(&mut self, index: usize, function: &Function, language: Language, facts: &Facts) -> Called {
        let second = FUNCTIONS.get((index + 1) % FUNCTIONS.len()).filter(|_| self.dice.percent(20));
        let functions: Vec<&Function> = std::iter::once(function).chain(second).collect();
        let arguments = |function: &&Function| {
            let text = facts.fill(function.arguments, language);
            let arguments = serde_json::from_str(&text).unwrap_or(Value::String(text));
            ScriptToolCall { name: function.name.to_owned(), arguments }
        };
        let calls = functions.iter().map(arguments).collect();
        let results = functions.iter().map(|function| facts.fill(function.result, language)).collect();
        Called { function: index, calls, results }
    }
}

/// `response_format` with the schema of a form.
fn with_schema(form: &Form) -> Value {
    let schema: Value = serde_json::from_str(form.schema).unwrap_or(Value::Null);
    json!({"type": "json_schema", "json_schema": {"name": form.name, "strict": true, "schema": schema}})
}

/// `tools`: all functions.
pub(in crate::synth::mixed) fn tools() -> Value {
    let offer = |function: &Function| {
        let parameters: Value = serde_json::from_str(function.parameters).unwrap_or(Value::Null);
        json!({"type": "function", "function": {
            "name": function.name, "description": function.description, "parameters": parameters, "strict": true,
        }})
    };
    FUNCTIONS.iter().map(offer).collect()
}
