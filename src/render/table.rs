//! A table as text: aligned columns for a PC, narrow lines or cards for a phone.

use super::escape::code_safe;
use super::width::{Align, clip, length, pad, truncate, width};

/// The widest line that phones show without wrapping it.
pub const PHONE_COLUMNS: usize = 28;

/// What is to be shown of a table, in its order. Cells are plain text, not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableView {
    /// The columns, from the left.
    pub columns: Vec<Column>,
    /// The rows' cells; a row that is too short has empty cells at its end.
    pub rows: Vec<Vec<String>>,
}

/// One column of a [`TableView`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands above it, in [`wide`].
    pub title: String,
    /// On which side its cells stand.
    pub align: Align,
    /// What happens to it where room is short.
    pub fit: Fit,
}

impl Column {
    /// A column.
    pub fn new(title: impl Into<String>, align: Align, fit: Fit) -> Self {
        Self {
            title: title.into(),
            align,
            fit,
        }
    }
}

/// What happens to a column where room is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is shown whole: a place, a number of points.
    Whole,
    /// Long cells are cut: a name.
    Shrink,
    /// Long cells are cut, and if that is not enough it is left out, the last first. Phones never
    /// show it.
    Spare,
}

/// A text with as many rows as fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// A code block, laid out for all rows of the view; empty if there are no rows, or not even one fits.
    pub text: String,
    /// How many rows of the view it shows, from the first.
    pub rows_shown: usize,
}

/// Lays `view` out in aligned columns under their titles.
///
/// No line takes more than `max_columns` columns, and the text has a [`length()`] of at most
/// `max_chars`. 80 columns and 2000 characters hold at least one row, whatever is in it.
#[must_use]
pub fn wide(view: &TableView, max_columns: usize, max_chars: usize) -> Rendered {
    let cells = Cells::with_titles(view);
    let widths = cells.widths(max_columns, WIDE);
    let rule: Vec<_> = widths.iter().map(|&columns| "-".repeat(columns)).collect();
    let mut lines = cells.rows.iter().map(|row| cells.line(row, &widths, WIDE));
    let titles = lines.next().unwrap_or_default();
    let head = titles + &cells.line(&rule, &widths, WIDE);
    code_block(&head, lines, max_chars)
}

/// Lays `view` out in lines of at most [`PHONE_COLUMNS`] columns, without titles.
///
/// Where the columns don't fit beside each other, each row is a card: what comes up to the first
/// name on one line, each other cell on a line below. The text has a [`length()`] of at most
/// `max_chars`; 2000 characters hold at least one row of up to seven columns, whatever is in it.
#[must_use]
pub fn phone(view: &TableView, max_chars: usize) -> Rendered {
    let cells = Cells::without_spare(view);
    let least = cells.least(&cells.natural_widths(PHONE_COLUMNS), PHONE);
    if total(&least, PHONE) > PHONE_COLUMNS {
        return cards(cells, max_chars);
    }
    let widths = cells.widths(PHONE_COLUMNS, PHONE);
    let lines = cells.rows.iter().map(|row| cells.line(row, &widths, PHONE));
    code_block("", lines, max_chars)
}

fn cards(mut cells: Cells<'_>, max_chars: usize) -> Rendered {
    let below = cells.split_after_name();
    let widths = cells.widths(PHONE_COLUMNS, PHONE);
    let cards = cells.rows.iter().zip(&below).map(|(row, below)| {
        let mut card = cells.line(row, &widths, PHONE);
        for cell in below.iter().filter(|cell| !cell.is_empty()) {
            card.push_str(&fitted(cell, PHONE_COLUMNS, Align::Right));
            card.push('\n');
        }
        card
    });
    code_block("", cards, max_chars)
}

/// The measures of a layout, in columns.
#[derive(Clone, Copy)]
struct Measures {
    /// Between two columns.
    gap: usize,
    /// What is left of a [`Fit::Shrink`] column.
    name: usize,
    /// What is left of a [`Fit::Spare`] column, before it is left out.
    spare: usize,
}

const WIDE: Measures = Measures {
    gap: 2,
    name: 12,
    spare: 8,
};
const PHONE: Measures = Measures {
    gap: 1,
    name: 8,
    spare: 0,
};

/// A cell holds at most this many characters for each of its columns, so that accents without
/// number don't fill a message. The longest emoji have 15 in two columns.
const CHARS_PER_COLUMN: usize = 8;

/// The cells that a layout shows, each of them one line that is safe in a code block.
struct Cells<'a> {
    columns: Vec<&'a Column>,
    rows: Vec<Vec<String>>,
}

impl<'a> Cells<'a> {
    /// All columns, their titles as the first row.
    fn with_titles(view: &'a TableView) -> Self {
        let mut cells = Self::of(view, |_| true);
        let titles = view.columns.iter().map(|column| one_line(&column.title));
        cells.rows.insert(0, titles.collect());
        cells
    }

    fn without_spare(view: &'a TableView) -> Self {
        Self::of(view, |column| column.fit != Fit::Spare)
    }

    fn of(view: &'a TableView, shown: impl Fn(&Column) -> bool) -> Self {
        let columns = view.columns.iter().enumerate();
        let (indexes, columns): (Vec<_>, Vec<_>) =
            columns.filter(|(_, column)| shown(column)).unzip();
        let cell = |row: &Vec<String>, index: usize| {
            row.get(index)
                .map_or_else(String::new, |cell| one_line(cell))
        };
        let rows = view
            .rows
            .iter()
            .map(|row| indexes.iter().map(|&index| cell(row, index)).collect());
        Self {
            rows: rows.collect(),
            columns,
        }
    }

    /// Keeps the columns up to the first name, and gives each row's other cells.
    fn split_after_name(&mut self) -> Vec<Vec<String>> {
        let name = self
            .columns
            .iter()
            .position(|column| column.fit == Fit::Shrink);
        let kept = name.map_or(1, |name| name + 1).min(self.columns.len());
        self.columns.truncate(kept);
        self.rows
            .iter_mut()
            .map(|row| row.split_off(kept))
            .collect()
    }

    /// How wide each column is in lines of at most `max` columns; 0 for one that is left out.
    fn widths(&self, max: usize, measures: Measures) -> Vec<usize> {
        let mut widths = self.natural_widths(max);
        let spare = |&column: &usize| self.columns[column].fit == Fit::Spare;
        for column in (0..widths.len()).rev().filter(spare) {
            if total(&self.least(&widths, measures), measures) <= max {
                break;
            }
            widths[column] = 0;
        }
        let least = self.least(&widths, measures);
        if total(&least, measures) <= max {
            return shrunk(widths, &least, max, measures);
        }
        squeezed(widths, max, measures)
    }

    fn natural_widths(&self, max: usize) -> Vec<usize> {
        let widest = |column: usize| self.rows.iter().map(move |row| width(&row[column])).max();
        (0..self.columns.len())
            .map(|column| widest(column).unwrap_or(0).min(max))
            .collect()
    }

    /// What must be left of each column.
    fn least(&self, widths: &[usize], measures: Measures) -> Vec<usize> {
        let least = |(&width, column): (&usize, &&Column)| match column.fit {
            Fit::Whole => width,
            Fit::Shrink => width.min(measures.name),
            Fit::Spare => width.min(measures.spare),
        };
        widths.iter().zip(&self.columns).map(least).collect()
    }

    fn line(&self, row: &[String], widths: &[usize], measures: Measures) -> String {
        let cells = row.iter().zip(widths).zip(&self.columns);
        let cells = cells.filter(|((_, columns), _)| **columns > 0);
        let cells: Vec<_> = cells
            .map(|((cell, &columns), column)| fitted(cell, columns, column.align))
            .collect();
        let line = cells.join(&" ".repeat(measures.gap));
        format!("{}\n", line.trim_end_matches(' '))
    }
}

/// The columns that columns of these widths take together.
fn total(widths: &[usize], measures: Measures) -> usize {
    let shown = widths.iter().filter(|&&width| width > 0).count();
    widths.iter().sum::<usize>() + measures.gap * shown.saturating_sub(1)
}

/// Takes from the widest column, as long as something is left to take, until all fit.
fn shrunk(mut widths: Vec<usize>, least: &[usize], max: usize, measures: Measures) -> Vec<usize> {
    while total(&widths, measures) > max {
        let shrinkable = widths
            .iter_mut()
            .zip(least)
            .filter(|(width, least)| **width > **least);
        match shrinkable.map(|(width, _)| width).max() {
            Some(widest) => *widest -= 1,
            None => break,
        }
    }
    widths
}

/// Makes columns fit in less room than they need: whatever it takes, then fewer of them.
fn squeezed(mut widths: Vec<usize>, max: usize, measures: Measures) -> Vec<usize> {
    let hairlines =
        |widths: &[usize]| -> Vec<_> { widths.iter().map(|&width| width.min(1)).collect() };
    for column in (0..widths.len()).rev() {
        if total(&hairlines(&widths), measures) <= max {
            break;
        }
        widths[column] = 0;
    }
    let least = hairlines(&widths);
    shrunk(widths, &least, max, measures)
}

/// A cell in exactly this many columns.
fn fitted(cell: &str, columns: usize, align: Align) -> String {
    let clipped = clip(cell, columns * CHARS_PER_COLUMN);
    let mut fitted = pad(&truncate(&clipped, columns), columns, align);
    if cell.chars().any(is_right_to_left) {
        // Else the number in the next column would be shown before this text.
        fitted.push(LEFT_TO_RIGHT_MARK);
    }
    fitted
}

const LEFT_TO_RIGHT_MARK: char = '\u{200E}';

/// Whether `c` is in a block of a right-to-left script.
fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8FF}'
        | '\u{FB1D}'..='\u{FDFF}'
        | '\u{FE70}'..='\u{FEFE}'
        | '\u{10800}'..='\u{10FFF}'
        | '\u{1E800}'..='\u{1EFFF}')
}

fn one_line(text: &str) -> String {
    code_safe(text).replace('\n', " ")
}

/// Puts as many of the rows' lines as fit into a code block.
fn code_block(head: &str, rows: impl Iterator<Item = String>, max_chars: usize) -> Rendered {
    const END: &str = "```";
    let mut text = format!("```\n{head}");
    let mut used = length(&text) + length(END);
    let mut rows_shown = 0;
    for row in rows {
        used += length(&row);
        if used > max_chars {
            break;
        }
        text.push_str(&row);
        rows_shown += 1;
    }
    if rows_shown == 0 {
        return Rendered::default();
    }
    text.push_str(END);
    Rendered { text, rows_shown }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn view(rows: &[&[&str]]) -> TableView {
        TableView {
            columns: vec![
                Column::new("#", Align::Right, Fit::Whole),
                Column::new("Nume", Align::Left, Fit::Shrink),
                Column::new("Grad", Align::Left, Fit::Spare),
                Column::new("Puncte", Align::Right, Fit::Whole),
                Column::new("Discord", Align::Left, Fit::Spare),
            ],
            rows: rows
                .iter()
                .map(|row| row.iter().map(|&cell| cell.to_owned()).collect())
                .collect(),
        }
    }

    fn sample() -> TableView {
        view(&[
            &["1", "Ștefăniță", "Sergent", "1.234", "stefan"],
            &["2", "田中 さん", "", "999", "tanaka"],
            &["10", "👨‍👩‍👧‍👦 Ana", "Agent", "5"],
        ])
    }

    fn lines(rendered: &Rendered) -> Vec<&str> {
        let block = rendered
            .text
            .strip_prefix("```\n")
            .and_then(|text| text.strip_suffix("\n```"));
        block.unwrap().split('\n').collect()
    }

    #[test]
    fn wide_columns_are_aligned() {
        let rendered = wide(&sample(), 80, 2000);
        assert_eq!(rendered.rows_shown, 3);
        assert_eq!(
            lines(&rendered),
            [
                " #  Nume       Grad     Puncte  Discord",
                "--  ---------  -------  ------  -------",
                " 1  Ștefăniță  Sergent   1.234  stefan",
                " 2  田中 さん              999  tanaka",
                "10  👨‍👩‍👧‍👦 Ana     Agent         5",
            ]
        );
    }

    #[test]
    fn the_widest_column_gives_way_and_spare_ones_are_left_out() {
        let name = "N".repeat(40);
        let view = view(&[&["1", &name, "Sergent major", "1.234", "stefan.popescu"]]);
        let shown = |columns| {
            wide(&view, columns, 2000)
                .text
                .lines()
                .nth(3)
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            shown(82),
            format!("1  {name}  Sergent major   1.234  stefan.popescu")
        );
        assert_eq!(
            shown(62),
            format!(
                "1  {}…  Sergent major   1.234  stefan.popescu",
                "N".repeat(19)
            )
        );
        assert_eq!(shown(46), "1  NNNNNNNNNNN…  Sergent m…   1.234  stefan.p…");
        assert_eq!(shown(36), "1  NNNNNNNNNNN…  Sergent ma…   1.234");
        assert_eq!(shown(30), format!("1  {}…   1.234", "N".repeat(18)));
        assert_eq!(shown(10), "1  NN…  1…");
        assert_eq!(shown(3), "1");
    }

    #[test]
    fn phone_lines_are_narrow() {
        let rendered = phone(&sample(), 2000);
        assert_eq!(
            lines(&rendered),
            [
                " 1 Ștefăniță 1.234",
                " 2 田中 さん   999",
                "10 👨‍👩‍👧‍👦 Ana        5"
            ],
        );
        let long = view(&[
            &[
                "1",
                "Constantin-Alexandru Popescu",
                "Sergent",
                "1.234.567",
                "x",
            ],
            &["2", "Ana", "Agent", "-3"],
        ]);
        assert_eq!(
            lines(&phone(&long, 2000)),
            [
                "1 Constantin-Alex… 1.234.567",
                "2 Ana                     -3"
            ],
        );
    }

    #[test]
    fn phone_shows_cards_where_numbers_are_long() {
        let view = view(&[
            &[
                "100.000",
                "Constantin-Alexandru Popescu",
                "x",
                "-9.000.000.000.000.000",
            ],
            &["100.001", "Ana", "x", "0"],
        ]);
        assert_eq!(
            lines(&phone(&view, 2000)),
            [
                "100.000 Constantin-Alexandr…",
                "      -9.000.000.000.000.000",
                "100.001 Ana",
                "                           0",
            ]
        );
    }

    #[test]
    fn as_many_rows_as_fit_are_shown() {
        let rows: Vec<_> = (1..=99)
            .map(|place| vec![format!("{place}."), "Ana".to_owned()])
            .collect();
        let view = TableView { rows, ..sample() };
        for (max_chars, rows_shown) in [(0, 0), (14, 0), (15, 1), (23, 2), (24, 2), (800, 99)] {
            let rendered = phone(&view, max_chars);
            assert_eq!(rendered.rows_shown, rows_shown, "{max_chars}");
            assert_eq!(rendered.text.is_empty(), rows_shown == 0);
        }
    }

    #[test]
    fn nothing_is_shown_of_no_rows() {
        for view in [
            view(&[]),
            TableView {
                columns: vec![],
                rows: vec![],
            },
        ] {
            assert_eq!(wide(&view, 80, 2000), Rendered::default());
            assert_eq!(phone(&view, 2000), Rendered::default());
        }
    }

    #[test]
    fn cells_can_not_leave_their_line_or_the_block() {
        let view = view(&[&["1", "```\n**x**\u{202E}", "a\r\nb", "5"]]);
        assert_eq!(lines(&phone(&view, 2000)), ["1 ˋˋˋ **x** 5"]);
        assert_eq!(
            lines(&wide(&view, 80, 2000))[2],
            "1  ˋˋˋ **x**  a b        5"
        );
    }

    #[test]
    fn right_to_left_names_keep_the_columns_in_order() {
        let view = view(&[&["1", "עומר", "", "5"]]);
        assert_eq!(lines(&phone(&view, 2000)), ["1 עומר\u{200E} 5"]);
    }

    /// Cells as bad as names, ranks, fields and numbers can be, and worse.
    fn cell() -> impl Strategy<Value = String> {
        let pieces = [
            "a",
            "Ș",
            "田",
            "👨‍👩‍👧‍👦",
            "👩🏻‍❤️‍💋‍👨🏼",
            "🇷🇴",
            "1️⃣",
            "ع",
            "ل",
            "ا",
            "\u{301}",
            "`",
            "```",
            "\n",
            " ",
            "\u{200B}",
            "\u{200D}",
            "\u{202E}",
            "@everyone",
            "\u{3000}",
            "ﷺ",
            "ก็",
            "क्ष",
        ];
        let piece = prop::sample::select(pieces.to_vec());
        prop_oneof![
            3 => prop::collection::vec(piece.clone(), 0..100).prop_map(|pieces| pieces.concat()),
            1 => piece.prop_map(|piece| piece.repeat(100)),
            1 => Just(format!("a{}", "\u{301}".repeat(99))),
            1 => any::<String>(),
        ]
    }

    fn points() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "0",
            "-9.000.000.000.000.000",
            "9,000,000,000,000,000",
            "12",
        ])
        .prop_map(str::to_owned)
    }

    /// Rows that begin with their number.
    fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
        prop::collection::vec((cell(), cell(), points(), cell()), 1..20).prop_map(|rows| {
            let row = |(place, (name, rank, points, field))| {
                vec![format!("{place}."), name, rank, points, field]
            };
            (1..).zip(rows).map(row).collect()
        })
    }

    fn check(rendered: &Rendered, max_columns: usize, max_chars: usize) {
        assert!(length(&rendered.text) <= max_chars);
        assert!(rendered.text.lines().all(|line| width(line) <= max_columns));
        assert!(!rendered.text.trim_matches('`').contains('`'));
        assert_eq!(rendered.rows_shown == 0, rendered.text.is_empty());
    }

    /// The rows' numbers, in the order in which they are shown.
    fn places(rendered: &Rendered) -> Vec<usize> {
        let first_words = rendered
            .text
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        first_words
            .filter_map(|word| word.strip_suffix('.')?.parse().ok())
            .collect()
    }

    proptest! {
        #[test]
        fn wide_keeps_its_limits(rows in rows(), max_columns in 3..100_usize, max_chars in 0..4096_usize) {
            let view = TableView { rows, ..sample() };
            let rendered = wide(&view, max_columns, max_chars);
            check(&rendered, max_columns, max_chars);
            prop_assert!(rendered.rows_shown <= view.rows.len());
        }

        #[test]
        fn phone_keeps_its_limits(rows in rows(), max_chars in 0..4096_usize) {
            let view = TableView { rows, ..sample() };
            check(&phone(&view, max_chars), PHONE_COLUMNS, max_chars);
        }

        #[test]
        fn rows_keep_their_order_and_one_always_fits(rows in rows(), title in cell()) {
            let mut view = TableView { rows, ..sample() };
            view.columns[4].title = title;
            for rendered in [wide(&view, 80, 2000), phone(&view, 2000)] {
                prop_assert!(rendered.rows_shown >= 1);
                prop_assert_eq!(places(&rendered), (1..=rendered.rows_shown).collect::<Vec<_>>());
            }
        }

        #[test]
        fn any_view_is_rendered(
            fits in prop::collection::vec(prop::sample::select(vec![Fit::Whole, Fit::Shrink, Fit::Spare]), 0..12),
            rows in prop::collection::vec(prop::collection::vec(cell(), 0..12), 0..5),
            max_columns in 0..100_usize,
        ) {
            let columns = fits.into_iter().map(|fit| Column::new("Nume", Align::Left, fit)).collect();
            let view = TableView { columns, rows };
            // The fences of a code block take three columns themselves.
            check(&wide(&view, max_columns, 4096), max_columns.max(3), 4096);
            check(&phone(&view, 4096), PHONE_COLUMNS, 4096);
        }
    }
}
