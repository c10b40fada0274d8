//! Check digits, which tell a number of a person, card or account from any other number.

fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    text.chars().filter_map(|letter| letter.to_digit(10))
}

/// Placeholders such as `sk-your-key-goes-here` are no secrets.
pub(super) fn has_digit(found: &str) -> bool {
    digits(found).next().is_some()
}

/// 13 to 19 digits with the check digit of ISO/IEC 7812-1 (Luhn).
pub(super) fn card(found: &str) -> bool {
    let count = digits(found).count();
    let sum: u32 = digits(found)
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    (13..=19).contains(&count) && sum.is_multiple_of(10) && digits(found).any(|digit| digit != 0)
}

/// Number of a Chinese resident: month and day that exist, and the check digit of GB 11643-1999.
pub(super) fn resident_number(found: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: [u8; 11] = *b"10X98765432";
    let part = |from: usize, to: usize| found.get(from..to).and_then(|text| text.parse::<u32>().ok());
    let dated = part(6, 10).is_some_and(|year| (1900..=2099).contains(&year))
        && part(10, 12).is_some_and(|month| (1..=12).contains(&month))
        && part(12, 14).is_some_and(|day| (1..=31).contains(&day));
    let sum: u32 = found.chars().zip(WEIGHTS).filter_map(|(letter, weight)| Some(letter.to_digit(10)? * weight)).sum();
    let last = found.bytes().last().map(|byte| byte.to_ascii_uppercase());
    dated && CHECKS.get((sum % 11) as usize).copied() == last
}

/// A number of the United States' social security that may have been given out: no part is all zeros, and the first is not
/// 666.
pub(super) fn social_security(found: &str) -> bool {
    let mut parts = found.split('-');
    let mut next = || parts.next().unwrap_or_default();
    let (area, group, serial) = (next(), next(), next());
    area != "000" && area != "666" && group != "00" && serial != "0000"
}

/// The check digits of ISO 13616: moved to the end and with letters as numbers, the rest by 97 is 1.
pub(super) fn iban(found: &str) -> bool {
    let plain: String = found.chars().filter(|letter| *letter != ' ').collect();
    let (Some(head), Some(tail)) = (plain.get(..4), plain.get(4..)) else { return false };
    let rest = tail.chars().chain(head.chars()).try_fold(0_u32, |rest, letter| {
        let value = letter.to_digit(36)?;
        Some((if value < 10 { rest * 10 } else { rest * 100 } + value) % 97)
    });
    (15..=34).contains(&plain.len()) && rest == Some(1)
}

/// Seven to fifteen digits (ITU-T E.164).
pub(super) fn phone(found: &str) -> bool {
    (7..=15).contains(&digits(found).count())
}
