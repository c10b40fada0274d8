//! Letters that look like Latin ones, and characters that look like nothing.

/// The letter of ASCII whose full-width form this is.
pub(super) fn half_width(letter: char) -> char {
    char::from_u32((letter as u32).wrapping_sub(0xfee0)).unwrap_or(letter)
}

/// Characters without a form of their own: they part letters without being seen. Marks that stand on a letter count too:
/// stacked, they are a disguise, and single, a matter of spelling.
pub(super) const fn is_ignorable(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The Latin letter that this one is taken for. Capitals come first, since their looks differ from those of the small
/// letters.
pub(super) fn alike(letter: char) -> Option<char> {
    let latin = match letter {
        'А' | 'а' | 'Α' | 'α' | 'ɑ' => 'a',
        'В' | 'Β' | 'ß' | 'Ь' => 'b',
        'С' | 'с' | 'ϲ' | '¢' => 'c',
        'ԁ' | 'đ' | 'Đ' | 'ð' => 'd',
        'Е' | 'е' | 'Ε' | 'ε' | 'ё' | 'Ё' | '€' => 'e',
        'ƒ' => 'f',
        'ɡ' | 'ԍ' => 'g',
        'Н' | 'Η' | 'һ' | 'ħ' => 'h',
        'І' | 'і' | 'Ι' | 'ι' | 'ı' | 'ɪ' | 'Ӏ' | 'ї' | '¡' => 'i',
        'Ј' | 'ј' => 'j',
        'К' | 'к' | 'Κ' | 'κ' => 'k',
        'ł' | 'Ł' | '£' => 'l',
        'М' | 'Μ' | 'м' => 'm',
        'Ν' | 'η' => 'n',
        'О' | 'о' | 'Ο' | 'ο' | 'ø' | 'Ø' => 'o',
        'Р' | 'р' | 'Ρ' | 'ρ' | 'þ' => 'p',
        'ԛ' => 'q',
        'Ѕ' | 'ѕ' | 'ſ' => 's',
        'Т' | 'Τ' | 'т' | 'τ' => 't',
        'υ' | 'μ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'Х' | 'х' | 'Χ' | 'χ' => 'x',
        'У' | 'у' | 'Υ' | '¥' => 'y',
        'Ζ' => 'z',
        '\u{2018}' | '\u{2019}' | '\u{b4}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2010}'..='\u{2015}' => '-',
        '\u{1f150}'..='\u{1f169}' => return offset(letter, 0x1f150),
        '\u{1f170}'..='\u{1f189}' => return offset(letter, 0x1f170),
        '\u{1f1e6}'..='\u{1f1ff}' => return offset(letter, 0x1f1e6),
        _ => return None,
    };
    Some(latin)
}

/// The letters of the alphabet in circles, squares and flags stand in order.
fn offset(letter: char, first: u32) -> Option<char> {
    char::from_u32((letter as u32).checked_sub(first)? + u32::from(b'a'))
}
