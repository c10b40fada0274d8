//! Generated text: plausible sentences of a given length, in English or Chinese.
//!
//! Only the shape matters (lengths, script, punctuation, that equal prompts get equal words), so sentences are put
//! together from small lists. The prompt's own key word appears in them, which makes a log readable.

use rand::RngExt;

use crate::dice::Dice;
use crate::tokens;
use wire::provider::Provider;

/// The language to answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

impl Language {
    /// Chinese if at least a fifth of the prompt's characters are ideographs, as a question about Chinese text often
    /// quotes more English than it uses.
    pub(crate) fn of(prompt: &str) -> Self {
        let ideographs = prompt.chars().filter(|character| is_ideograph(*character)).count();
        if ideographs * 5 >= prompt.chars().count().max(1) { Self::Chinese } else { Self::English }
    }
}

const SUBJECTS: [&str; 10] = [
    "The first point",
    "A careful reading",
    "The usual approach",
    "This question",
    "The simplest case",
    "One part of it",
    "The evidence so far",
    "A second look",
    "The short version",
    "What matters here",
];
const VERBS: [&str; 8] = [
    "depends on",
    "comes down to",
    "follows from",
    "rests on",
    "is explained by",
    "points to",
    "begins with",
    "limits",
];
const OBJECTS: [&str; 10] = [
    "how {} is defined",
    "the order in which the steps are taken",
    "the details of {}",
    "what was measured before",
    "a few plain facts about {}",
    "the numbers given in the question",
    "the part of {} that does not change",
    "two cases that are easy to confuse",
    "the limits we set at the start",
    "who is going to use {}",
];
const CLOSINGS: [&str; 6] = [
    "so it is worth checking twice",
    "and the rest can wait",
    "although exceptions exist",
    "which is easy to verify",
    "and that settles most of it",
    "unless the conditions change",
];

const SUBJECTS_CHINESE: [&str; 8] = [
    "首先,这个问题",
    "从整体来看,答案",
    "更具体地说,情况",
    "通常的做法",
    "最简单的例子",
    "另一方面,结果",
    "仔细想想,关键",
    "换句话说,重点",
];
const VERBS_CHINESE: [&str; 6] = ["取决于", "来自于", "可以归结为", "建立在", "离不开", "首先涉及"];
const OBJECTS_CHINESE: [&str; 8] = [
    "{}本身的定义",
    "各个步骤的先后顺序",
    "与{}有关的几个事实",
    "题目中给出的数字",
    "{}中不变的部分",
    "两种容易混淆的情形",
    "一开始设定的条件",
    "谁来使用{}",
];
const CLOSINGS_CHINESE: [&str; 5] =
    ["因此值得再检查一遍", "其余部分可以以后再说", "当然也有例外", "这一点很容易验证", "除非条件发生变化"];

/// Sentences of at least `tokens` tokens in the provider's estimate, ending with a whole sentence.
pub(crate) fn sentences(dice: &mut Dice, provider: Provider, prompt: &str, tokens: u64) -> String {
    let language = Language::of(prompt);
    let topic = topic(prompt, language);
    let mut text = String::new();
    let mut spent = 0;
    while spent < tokens {
        let sentence = sentence(dice, language, topic);
        spent += tokens::estimate(provider, &sentence);
        if language == Language::English && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&sentence);
    }
    text
}

/// One sentence.
pub(crate) fn sentence(dice: &mut Dice, language: Language, topic: &str) -> String {
    let closes = dice.random_bool(0.4);
    match language {
        Language::English => {
            let object = pick(dice, &OBJECTS).replace("{}", topic);
            let closing = if closes { format!(", {}", pick(dice, &CLOSINGS)) } else { String::new() };
            format!("{} {} {object}{closing}.", pick(dice, &SUBJECTS), pick(dice, &VERBS))
        }
        Language::Chinese => {
            let object = pick(dice, &OBJECTS_CHINESE).replace("{}", topic);
            let closing = if closes { format!(",{}", pick(dice, &CLOSINGS_CHINESE)) } else { String::new() };
            format!("{}{}{object}{closing}。", pick(dice, &SUBJECTS_CHINESE), pick(dice, &VERBS_CHINESE))
        }
    }
}

/// What the prompt is about: its longest English word, or the beginning of its longest run of ideographs.
pub(crate) fn topic(prompt: &str, language: Language) -> &str {
    match language {
        Language::English => {
            let words = prompt.split(|character: char| !character.is_ascii_alphabetic());
            let longest = words.filter(|word| word.len() <= 20).max_by_key(|word| word.len()).unwrap_or_default();
            if longest.len() < 4 { "the subject" } else { longest }
        }
        Language::Chinese => {
            let runs = prompt.split(|character: char| !is_ideograph(character));
            let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
            let end = longest.char_indices().nth(4).map_or(longest.len(), |(at, _)| at);
            longest.get(..end).filter(|topic| !topic.is_empty()).unwrap_or("主题")
        }
    }
}

fn is_ideograph(character: char) -> bool {
    ('\u{4E00}'..='\u{9FFF}').contains(&character)
}

fn pick<'a>(dice: &mut Dice, list: &[&'a str]) -> &'a str {
    list.get(dice.random_range(0..list.len())).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_answer_speaks_the_language_of_the_prompt() {
        let mut dice = Dice::seed_from_u64(3);
        let english = sentences(&mut dice, Provider::OpenAi, "How does a weighbridge work?", 40);
        assert!(english.is_ascii() && english.ends_with('.'), "{english}");
        assert!(tokens::estimate(Provider::OpenAi, &english) >= 40);
        let chinese = sentences(&mut dice, Provider::DeepSeek, "请解释地磅的工作原理", 40);
        assert_eq!(Language::of(&chinese), Language::Chinese);
        assert!(chinese.ends_with('。'), "{chinese}");
    }

    #[test]
    fn topics_come_from_the_prompt() {
        assert_eq!(topic("How does a weighbridge work?", Language::English), "weighbridge");
        assert_eq!(topic("1 + 1?", Language::English), "the subject");
        assert_eq!(topic("请解释地磅的原理", Language::Chinese), "请解释地");
        assert_eq!(Language::of(""), Language::English);
    }
}
