//! What a conversation is about, by how much there is to say: a completion of nine tokens is a line of code, not a
//! letter to a customer. Shares are assumptions; only the sizes are measured.

use super::library::Title;
use crate::synth::dice::Dice;
use crate::synth::scenes::{Scene, coding, summary, support};
use crate::synth::{Language, Pattern};

/// Kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Task {
    /// Questions of customers, with a handbook in the prompt.
    #[default]
    Support,
    /// Questions about a source file.
    Coding,
    /// The rest of a line of code, as an editor asks for it.
    Complete,
    /// Sentences to translate.
    Translation,
    /// Questions about minutes.
    Summary,
    /// Messages to be read into JSON; with a schema, or in plain JSON mode.
    Form { schema: bool },
    /// A model that is offered functions.
    Tools,
    /// Prompts that a moderation service flags.
    Moderated,
}

const FORM: Task = Task::Form { schema: true };
const FREE_FORM: Task = Task::Form { schema: false };

/// An answer of so many tokens or more has room for sentences.
const ROOM_FOR_SENTENCES_TOKENS: u64 = 60;
/// An answer of so many tokens or more is longer than any translation here.
const ROOM_FOR_LETTERS_TOKENS: u64 = 170;
/// From so many tokens on a code completion may be something else that is short.
const ROOM_FOR_JSON_TOKENS: u64 = 26;

/// Chances of tasks, by weight.
type Chances = &'static [(u64, Task)];
const CALM_SHORT: Chances =
    &[(52, Task::Tools), (8, Task::Translation), (10, FREE_FORM), (5, FORM), (25, Task::Moderated)];
const CALM_MIDDLE: Chances = &[
    (26, Task::Support),
    (8, Task::Coding),
    (6, Task::Summary),
    (18, Task::Translation),
    (19, FORM),
    (10, FREE_FORM),
    (3, Task::Tools),
    (4, Task::Moderated),
];
const CALM_LONG: Chances = &[(40, Task::Support), (24, Task::Coding), (20, Task::Summary), (11, FORM), (5, FREE_FORM)];
const VIOLENT_SHORT: Chances = &[(86, Task::Complete), (12, Task::Tools), (2, Task::Moderated)];
const VIOLENT_MIDDLE: Chances =
    &[(28, Task::Complete), (38, FORM), (16, FREE_FORM), (8, Task::Translation), (16, Task::Moderated)];
const VIOLENT_LONG: Chances =
    &[(40, Task::Coding), (18, Task::Support), (18, Task::Summary), (19, FORM), (8, Task::Moderated)];

impl Task {
    /// What an answer of this size may be for.
    pub(super) fn draw(pattern: Pattern, completion_tokens: u64, dice: &mut Dice) -> Self {
        let chances = match pattern {
            Pattern::Calm if completion_tokens < ROOM_FOR_SENTENCES_TOKENS => CALM_SHORT,
            Pattern::Calm if completion_tokens < ROOM_FOR_LETTERS_TOKENS => CALM_MIDDLE,
            Pattern::Calm => CALM_LONG,
            Pattern::Violent if completion_tokens < ROOM_FOR_JSON_TOKENS => VIOLENT_SHORT,
            Pattern::Violent if completion_tokens < ROOM_FOR_SENTENCES_TOKENS => VIOLENT_MIDDLE,
            Pattern::Violent => VIOLENT_LONG,
        };
        let weights: Vec<u64> = chances.iter().map(|(weight, _)| *weight).collect();
        chances.get(dice.weighted(&weights)).map_or(Self::Support, |(_, task)| *task)
    }

    /// The longest answer of its kind: what a later turn may have, whose size is not known when the task is drawn.
    pub(super) const fn completion_tokens_max(self) -> u64 {
        match self {
            Self::Tools | Self::Complete => ROOM_FOR_SENTENCES_TOKENS,
            Self::Translation => ROOM_FOR_LETTERS_TOKENS,
            Self::Support | Self::Coding | Self::Summary | Self::Form { .. } | Self::Moderated => u64::MAX,
        }
    }

    /// Who asks for this.
    pub(super) fn consumer(self, dice: &mut Dice) -> &'static str {
        match self {
            Self::Support => dice.pick(&["shop-web", "shop-web", "shop-app"]),
            Self::Coding | Self::Complete => "editor-plugin",
            Self::Translation | Self::Summary => "back-office",
            Self::Form { .. } => "order-intake",
            Self::Tools => dice.pick(&["shop-app", "dispatch"]),
            Self::Moderated => dice.pick(&["shop-web", "writers-club"]),
        }
    }

    /// The document that fills the prompt.
    pub(super) const fn title(self) -> Title {
        match self {
            Self::Support | Self::Translation | Self::Form { .. } | Self::Tools | Self::Moderated => Title::Handbook,
            Self::Summary => Title::Minutes,
            Self::Coding | Self::Complete => Title::Source,
        }
    }

    /// The words of a task in prose.
    pub(super) const fn scene(self, language: Language) -> Option<&'static Scene> {
        Some(match (self, language) {
            (Self::Support, Language::English) => &support::ENGLISH,
            (Self::Support, Language::Chinese) => &support::CHINESE,
            (Self::Coding, Language::English) => &coding::ENGLISH,
            (Self::Coding, Language::Chinese) => &coding::CHINESE,
            (Self::Summary, Language::English) => &summary::ENGLISH,
            (Self::Summary, Language::Chinese) => &summary::CHINESE,
            _ => return None,
        })
    }
}
