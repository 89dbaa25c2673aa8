//! Blanking out: what is left keeps its place, so that line numbers stay true.

/// The code of `text` and its comments, each as long as `text`, with blanks for the other.
pub(super) fn split(text: &str) -> (String, String) {
    let mut scan = Scan { text: text.as_bytes(), at: 0, code: Vec::new(), comments: Vec::new() };
    while scan.at < scan.text.len() {
        scan.step();
    }
    let readable = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (readable(scan.code), readable(scan.comments))
}

/// Where a piece of text goes.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    code: Vec<u8>,
    comments: Vec<u8>,
}

impl Scan<'_> {
    /// Takes the next comment, literal, word or character.
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        match rest {
            [b'/', b'/', ..] => self.take(until_newline(rest), Kind::Comment),
            [b'/', b'*', ..] => self.take(block_comment(rest), Kind::Comment),
            [b'"', ..] => self.take(quoted(rest, b'"'), Kind::Literal),
            [b'\'', ..] => match char_literal(rest) {
                Some(len) => self.take(len, Kind::Literal),
                None => self.take(1, Kind::Code), // a lifetime
            },
            [c, ..] if is_word(*c) => self.word(),
            _ => self.take(1, Kind::Code),
        }
    }

    /// A word may be the head of a raw string: `r"`, `br#"`, `cr##"`.
    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let len = rest.iter().position(|c| !is_word(*c)).unwrap_or(rest.len());
        if matches!(&rest[..len], b"r" | b"br" | b"cr")
            && let Some(raw) = raw_string(&rest[len..])
        {
            return self.take(len + raw, Kind::Literal);
        }
        self.take(len, Kind::Code);
    }

    fn take(&mut self, len: usize, kind: Kind) {
        for &byte in &self.text[self.at..self.at + len] {
            let blank = if byte == b'\n' { b'\n' } else { b' ' };
            self.code.push(if kind == Kind::Code { byte } else { blank });
            self.comments.push(if kind == Kind::Comment { byte } else { blank });
        }
        self.at += len;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn until_newline(rest: &[u8]) -> usize {
    rest.iter().position(|c| *c == b'\n').unwrap_or(rest.len())
}

/// Length of a block comment; they nest.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

/// Length of a literal between `quote`s, with escapes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Length of a character literal; nothing if the quote begins a lifetime.
fn char_literal(rest: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(&rest[1..rest.len().min(6)]);
    let text = text.unwrap_or_else(|cut| {
        let whole = &rest[1..=cut.valid_up_to()];
        std::str::from_utf8(whole).unwrap_or_default()
    });
    let first = text.chars().next()?;
    let closed = text[first.len_utf8()..].starts_with('\'');
    (first == '\\' || closed).then(|| quoted(rest, b'\''))
}

/// Length of `#"…"#` with any number of `#`; nothing if this is not one.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|c| **c == b'#').count();
    (rest.get(hashes) == Some(&b'"')).then_some(())?;
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let inside = &rest[hashes + 1..];
    let end = inside.windows(close.len()).position(|part| part == close)?;
    Some(hashes + 1 + end + close.len())
}

/// `code` with blanks for every item under `#[cfg(test)]`.
pub(super) fn without_tests(code: &str) -> String {
    let mut left = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = next_test_item(code, from) {
        let end = found + item_len(&code[found..]);
        left[found..end].iter_mut().filter(|c| **c != b'\n').for_each(|c| *c = b' ');
        from = end;
    }
    String::from_utf8_lossy(&left).into_owned()
}

fn next_test_item(code: &str, from: usize) -> Option<usize> {
    let marks = ["#[cfg(test)]", "#[cfg(all(test"];
    marks.iter().filter_map(|mark| code[from..].find(mark)).min().map(|at| from + at)
}

/// From an attribute to the end of its item: its `;`, or the brace that closes its first one.
fn item_len(code: &str) -> usize {
    let mut depth = Vec::new();
    for (at, c) in code.bytes().enumerate() {
        match c {
            b'(' | b'[' | b'{' => depth.push(c),
            b')' | b']' => drop(depth.pop()),
            b'}' => {
                depth.pop();
                if depth.is_empty() {
                    return at + 1;
                }
            }
            b';' if depth.is_empty() => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the code in `text`, where `.` in `code` stands for a blanked byte.
    #[track_caller]
    fn check_code(text: &str, code: &str) {
        assert_eq!(split(text).0, code.replace('.', " "));
    }

    #[test]
    fn comments_and_literals_become_blanks() {
        check_code("a // b\nc", "a ....\nc");
        check_code("a /* b /* c */ */ d", "a ............... d");
        check_code(r#"f("a \" // b")g"#, "f(...........)g");
        check_code(r#"x('"', '\'', '\u{e9}')"#, "x(..., ...., ........)");
    }

    #[test]
    fn lifetimes_and_raw_strings_are_told_apart() {
        check_code("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check_code("(r#\"a \" b\"#)", "(..........)");
        check_code("r#type", "r#type");
    }

    #[test]
    fn comments_are_kept_apart() {
        let (_, comments) = split("let a = \"// no\"; // yes");
        assert_eq!(comments.trim(), "// yes");
    }

    #[test]
    fn test_items_do_not_ship() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { [1; 2] } }\nfn c() {}";
        assert_eq!(without_tests(code).split_whitespace().collect::<String>(), "fna(){}fnc(){}");
        assert_eq!(without_tests("#[cfg(test)]\nmod tests;\nfn c() {}").trim(), "fn c() {}");
    }
}
