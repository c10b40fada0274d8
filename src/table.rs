//! Tables on a terminal: cells in columns, within [`crate::lines::WIDTH`].
//!
//! A table that is too wide cuts the texts that may be cut, in their middle, where names of one family differ least. What
//! may not be cut (numbers, states) stays whole, whatever the width.

use crate::lines::WIDTH;
use crate::render;

/// Blanks between columns.
const GAP: usize = 2;
/// A text is not cut to less than this.
const CUT_MIN: usize = 12;

/// Which side the cells of a column stand at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    head: String,
    align: Align,
    may_be_cut: bool,
}

impl Column {
    /// A column of texts that may be cut.
    pub(crate) fn text(head: impl Into<String>) -> Self {
        Self { head: head.into(), align: Align::Left, may_be_cut: true }
    }

    /// A column of texts that stay whole.
    pub(crate) fn whole(head: impl Into<String>) -> Self {
        Self { head: head.into(), align: Align::Left, may_be_cut: false }
    }

    /// A column of numbers.
    pub(crate) fn number(head: impl Into<String>) -> Self {
        Self { head: head.into(), align: Align::Right, may_be_cut: false }
    }
}

/// A table with its rows.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

impl Table {
    /// A table without rows, each of its lines behind `indent` blanks.
    pub(crate) fn new(columns: Vec<Column>, indent: usize) -> Self {
        Self { columns, rows: Vec::new(), indent }
    }

    /// Adds a row; cells beyond the columns are left out. Names may come from anybody: control characters are made visible.
    pub(crate) fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.iter().map(|cell| render::name(cell)).collect());
    }

    /// How wide the lines are if every text that may be cut is cut as far as it may be.
    pub(crate) fn width_min(&self) -> usize {
        let least = |(place, column): (usize, &Column)| {
            let natural = self.natural(place);
            if column.may_be_cut { natural.min(CUT_MIN.max(width(&column.head))) } else { natural }
        };
        self.columns.iter().enumerate().map(least).sum::<usize>() + self.between()
    }

    /// The lines, the heads first, each with its end. `painted` may put colours round a cell of a row; it gets the cell as
    /// it will be shown with its row and column, and what it adds counts in no width.
    pub(crate) fn lines(&self, painted: impl Fn(&str, usize, usize) -> String) -> String {
        let widths = self.widths();
        let heads: Vec<String> = self.columns.iter().map(|column| column.head.clone()).collect();
        let mut text = self.line(&heads, &widths, |cell, _| cell.to_owned());
        for (number, row) in self.rows.iter().enumerate() {
            text.push_str(&self.line(row, &widths, |cell, place| painted(cell, number, place)));
        }
        text
    }

    /// The same without colours.
    pub(crate) fn text(&self) -> String {
        self.lines(|cell, _, _| cell.to_owned())
    }

    fn natural(&self, place: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(place)).map(|cell| width(cell));
        cells.chain(self.columns.get(place).map(|column| width(&column.head))).max().unwrap_or(0)
    }

    fn between(&self) -> usize {
        self.indent + GAP * self.columns.len().saturating_sub(1)
    }

    /// Natural widths, with the widest text that may be cut made narrower as long as the lines are too wide.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len()).map(|place| self.natural(place)).collect();
        let room = WIDTH.saturating_sub(self.between());
        while widths.iter().sum::<usize>() > room {
            let cuttable = self
                .columns
                .iter()
                .zip(&mut widths)
                .filter(|(column, width)| column.may_be_cut && **width > CUT_MIN.max(self::width(&column.head)));
            let Some((_, widest)) = cuttable.max_by_key(|(_, width)| **width) else { break };
            *widest -= 1;
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize], painted: impl Fn(&str, usize) -> String) -> String {
        let mut text = " ".repeat(self.indent);
        let mut owed = 0;
        for (place, ((column, cell), room)) in self.columns.iter().zip(cells).zip(widths).enumerate() {
            let cell = shortened(cell, *room);
            let fill = room.saturating_sub(width(&cell));
            owed += if place == 0 { 0 } else { GAP };
            let (before, after) = if column.align == Align::Left { (owed, fill) } else { (owed + fill, 0) };
            if cell.is_empty() {
                owed = before + after;
                continue;
            }
            // Blanks are written when something follows them, so that no line ends in some.
            text.push_str(&" ".repeat(before));
            text.push_str(&painted(&cell, place));
            owed = after;
        }
        text.push('\n');
        text
    }
}

/// Columns of a terminal that a text takes, with every character one wide.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// A text in at most `room` characters: what does not fit is left out in its middle.
pub(crate) fn shortened(text: &str, room: usize) -> String {
    let long = width(text);
    if long <= room {
        return text.to_owned();
    }
    let kept = room.saturating_sub(1);
    let (front, back) = (kept - kept / 2, kept / 2);
    let start: String = text.chars().take(front).collect();
    let end: String = text.chars().skip(long - back).collect();
    format!("{start}…{end}")
}

/// A count in at most five characters: whole below 100 000, then in thousands, millions and so on, rounded to the nearest.
pub(crate) fn compact(count: u64) -> String {
    const UNITS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    if count < 100_000 {
        return count.to_string();
    }
    let (mut unit, mut size) = (0, 1000_u64);
    // Three digits before the unit at most, after rounding.
    while u128::from(count) * 2 >= u128::from(size) * 1999 && unit + 1 < UNITS.len() {
        unit += 1;
        size *= 1000;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    let tenths = (u128::from(count) * 10 + u128::from(size) / 2) / u128::from(size);
    if tenths < 1000 {
        return format!("{}.{}{name}", tenths / 10, tenths % 10);
    }
    format!("{}{name}", (u128::from(count) + u128::from(size) / 2) / u128::from(size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_stand_left_numbers_right_and_no_line_ends_in_blanks() {
        let mut table = Table::new(vec![Column::text("name"), Column::number("n"), Column::whole("state")], 2);
        table.row(&["a".to_owned(), "1200".to_owned(), "pass".to_owned()]);
        table.row(&["longer".to_owned(), "7".to_owned(), String::new()]);
        assert_eq!(table.text(), "  name       n  state\n  a       1200  pass\n  longer     7\n");
    }

    #[test]
    fn names_are_cut_in_their_middle_and_numbers_never() {
        let mut table = Table::new(vec![Column::text("consumer"), Column::number("n")], 0);
        table.row(&[format!("team-{}-17", "x".repeat(100)), "123456789".to_owned()]);
        let text = table.text();
        let line = text.lines().nth(1).unwrap();
        assert_eq!(line.chars().count(), WIDTH);
        assert!(line.starts_with("team-x") && line.contains("x-17  123456789") && line.contains('…'), "{line}");
        assert_eq!(table.width_min(), 12 + 2 + 9);
    }

    #[test]
    fn colours_move_no_column() {
        let mut table = Table::new(vec![Column::whole("state"), Column::number("n")], 0);
        table.row(&["pass".to_owned(), "1".to_owned()]);
        let painted = table.lines(|cell, _, column| if column == 0 { format!("<{cell}>") } else { cell.to_owned() });
        assert_eq!(painted.replace(['<', '>'], ""), table.text());
    }

    #[test]
    fn counts_are_short() {
        let cases = [
            (0, "0"),
            (99_999, "99999"),
            (100_000, "100k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (10_370_235, "10.4M"),
            (99_950_000, "100M"),
            (u64::MAX, "18.4E"),
        ];
        for (count, said) in cases {
            assert_eq!(compact(count), said, "{count}");
        }
    }

    proptest! {
        #[test]
        fn a_table_that_can_fit_does(cells in prop::collection::vec(".{0,60}", 1..20), numbers in any::<u64>()) {
            let mut table = Table::new(vec![Column::text("name"), Column::text("model"), Column::number("n")], 1);
            for cell in cells {
                table.row(&[cell.clone(), cell, numbers.to_string()]);
            }
            let text = table.text();
            let widest = text.split('\n').map(|line| line.chars().count()).max().unwrap_or(0);
            prop_assert!(widest <= WIDTH.max(table.width_min()), "{widest}\n{text}");
        }

        #[test]
        fn a_compact_count_is_at_most_five_wide_and_near(count in any::<u64>()) {
            prop_assert!(compact(count).len() <= 5, "{}", compact(count));
        }
    }
}
