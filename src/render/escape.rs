//! Text from users, made harmless where Discord shows it.

/// Makes `text` show as itself in a message or an embed: no formatting, links, mentions or custom
/// emoji, no characters that reorder what stands around it.
///
/// The result may stand anywhere in a line, and has at most twice as many characters as `text`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 4);
    let mut place = Place::LineStart;
    let mut before = '\n';
    let mut rest = text.chars().filter_map(calm);
    while let Some(c) = rest.next() {
        let after = rest.clone();
        if place.gives_meaning_to(c) || (c == ':' && after.clone().next() == Some('/')) {
            escaped.push('\\');
        }
        escaped.push(c);
        if c == '@' && (before == '<' || mentions_everyone(&after)) {
            escaped.push(ZERO_WIDTH_SPACE);
        }
        place = place.then(c);
        before = c;
    }
    escaped
}

/// Makes `text` unable to end the code block it stands in, or to reorder its lines.
///
/// Line breaks stay. The result has at most as many characters as `text`.
#[must_use]
pub fn code_safe(text: &str) -> String {
    let harmless = |c| if c == '`' { LOOKS_LIKE_A_BACKTICK } else { c };
    text.chars().filter_map(calm).map(harmless).collect()
}

const ZERO_WIDTH_SPACE: char = '\u{200B}';
const LOOKS_LIKE_A_BACKTICK: char = '\u{2CB}';

/// Leaves out control characters and those that set the direction of text. Line breaks stay, tabs
/// become spaces.
fn calm(c: char) -> Option<char> {
    match c {
        '\n' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
        '\t' | '\u{B}' | '\u{C}' => Some(' '),
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
            None
        }
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// Where in a line of markdown a character stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After nothing but spaces: quotes, headings and lists begin here.
    LineStart,
    /// After the number of what may be an item of a list.
    Number,
    Inside,
}

impl Place {
    fn gives_meaning_to(self, c: char) -> bool {
        match c {
            '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '<' => true,
            '>' | '#' | '-' | '+' => self == Self::LineStart,
            '.' | ')' => self == Self::Number,
            _ => false,
        }
    }

    fn then(self, c: char) -> Self {
        match (self, c) {
            (_, '\n') | (Self::LineStart, ' ') => Self::LineStart,
            (Self::LineStart | Self::Number, '0'..='9') => Self::Number,
            _ => Self::Inside,
        }
    }
}

/// Whether what follows an `@` makes it call everybody.
fn mentions_everyone(after: &(impl Iterator<Item = char> + Clone)) -> bool {
    ["everyone", "here"].iter().any(|word| {
        let mut after = after.clone();
        word.chars().all(|letter| {
            after
                .next()
                .is_some_and(|c| c.eq_ignore_ascii_case(&letter))
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markdown_and_mentions_are_escaped() {
        for (text, expected) in [
            ("Ana Pop", "Ana Pop"),
            ("Ștefan 😀 田中", "Ștefan 😀 田中"),
            ("**b** __u__ ~~s~~", r"\*\*b\*\* \_\_u\_\_ \~\~s\~\~"),
            ("Ion_Popescu", r"Ion\_Popescu"),
            ("||spoiler||", r"\|\|spoiler\|\|"),
            ("`x` ```y```", r"\`x\` \`\`\`y\`\`\`"),
            (r"a\b\", r"a\\b\\"),
            ("[text](https://x.ro)", r"\[text\](https\://x.ro)"),
            ("12:30", "12:30"),
            ("> quote", r"\> quote"),
            ("a > b", "a > b"),
            ("# big\n  ## less", "\\# big\n  \\## less"),
            ("-# small", r"\-# small"),
            ("- item\n+ item\n* item", "\\- item\n\\+ item\n\\* item"),
            ("a - b #1", "a - b #1"),
            ("1. one\n22) two", "1\\. one\n22\\) two"),
            ("1.5 + 2.5", r"1\.5 + 2.5"),
            (
                "<@1> <@!1> <@&1>",
                "\\<@\u{200B}1> \\<@\u{200B}!1> \\<@\u{200B}&1>",
            ),
            (
                "<#1> <:a:1> <a:b:1> <t:1> </x:1>",
                r"\<#1> \<:a:1> \<a:b:1> \<t:1> \</x:1>",
            ),
            (
                "@everyone @here @Here",
                "@\u{200B}everyone @\u{200B}here @\u{200B}Here",
            ),
            ("ana@mail.ro @ana @her", "ana@mail.ro @ana @her"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn what_reorders_or_controls_is_left_out() {
        let text = "a\u{202E}b\u{2067}c\u{200F}\0\u{1B}d\te\r\nf\u{2028}g";
        assert_eq!(escape(text), "abcd e\nf\ng");
        assert_eq!(code_safe(text), "abcd e\nf\ng");
        assert_eq!(escape("\u{202E}# big"), "\\# big");
        assert_eq!(escape("@\u{202E}everyone"), "@\u{200B}everyone");
    }

    #[test]
    fn code_blocks_stay_closed() {
        assert_eq!(code_safe("a```b`\n**c** @here"), "aˋˋˋbˋ\n**c** @here");
    }

    proptest! {
        #[test]
        fn escaping_is_bounded_and_keeps_the_text(text in r"([\\*_~`|\[\]<>#+.)@:/ \n0-9-]|everyone|here|\PC)*") {
            let escaped = escape(&text);
            prop_assert!(escaped.chars().count() <= 2 * text.chars().count());
            let without_marks = |text: &str| text.replace(['\\', ZERO_WIDTH_SPACE], "");
            let calm: String = text.chars().filter_map(calm).collect();
            prop_assert_eq!(without_marks(&escaped), without_marks(&calm));
            prop_assert!(!escaped.contains("@everyone") && !escaped.contains("<@1"));
        }

        #[test]
        fn marks_are_always_escaped(text in any::<String>()) {
            let escaped = escape(&text);
            // A backslash shows the character after it, so in pairs from the left.
            let mut rest = escaped.chars();
            while let Some(c) = rest.next() {
                prop_assert!(!"*_~`|[]<".contains(c), "{}", escaped);
                if c == '\\' {
                    prop_assert!(rest.next().is_some_and(|c| c.is_ascii_punctuation()));
                }
            }
        }

        #[test]
        fn code_has_no_backtick(text in any::<String>()) {
            let safe = code_safe(&text);
            prop_assert!(!safe.contains('`') && safe.chars().count() <= text.chars().count());
        }
    }
}
