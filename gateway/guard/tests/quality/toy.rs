//! What one would write in a minute: swear words, looked for as they stand.

use regex::Regex;

const ENGLISH: &str = "fuck|fucking|shit|bitch|asshole|cunt|dick|cock|pussy|bastard|whore|slut|nigger|faggot|retard|motherfucker|bullshit|damn|porn|kill";
const CHINESE: &str =
    "傻逼|操你|妈的|他妈的|王八蛋|混蛋|婊子|贱人|垃圾|滚蛋|去死|脑残|白痴|智障|废物|畜生|狗屁|色情|杂种|黑鬼";

/// A plain list.
pub(crate) struct Toy(Regex);

impl Toy {
    pub(crate) fn new() -> Self {
        Self(Regex::new(&format!(r"(?-u:\b)(?:{ENGLISH})(?-u:\b)|{CHINESE}")).unwrap())
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.0.is_match(&text.to_lowercase())
    }
}
