//! Numbers for taste: they are printed, and nothing fails because of them.
//!
//! Source: style.md §12.

use crate::source::{Source, Token, functions, tokens};

/// Calls that end a thread, as `.name(` or `name!`.
const PANICS: &[&str] = &["unwrap", "expect", "panic", "unreachable", "todo", "unimplemented"];
/// What a public item may begin with, after `pub`.
const ITEMS: &[&str] =
    &["fn", "struct", "enum", "trait", "type", "const", "static", "union", "async", "unsafe"];

/// A number (of lines, of panics), and what has so many.
type Length = (usize, String);

/// What is counted.
#[derive(Debug, Default, PartialEq)]
struct Numbers {
    functions: Vec<Length>,
    files: Vec<Length>,
    panics: usize,
    panics_by_file: Vec<Length>,
    lines: usize,
    public: usize,
    documented: usize,
}

/// Prints the numbers beside what we aim for.
pub(super) fn print(sources: &[Source]) {
    let mut numbers = Numbers::default();
    sources.iter().for_each(|source| numbers.add(source));
    let functions = lengths(&mut numbers.functions);
    let files = lengths(&mut numbers.files);
    let panics = per(numbers.panics, numbers.lines, 1_000);
    let documented = per(numbers.documented, numbers.public, 100);
    println!("taste function length: {functions} (aim: p95 up to 40)");
    println!("taste file length:     {files} (aim: p95 up to 450)");
    let (most, place) = numbers.panics_by_file.iter().max().cloned().unwrap_or_default();
    let panics = format!("{panics} per 1,000 lines that ship; most {most}, {place}");
    println!("taste panics:          {panics} (aim: up to 0.5)");
    println!("taste documented:      {documented} % of public items (aim: 95 or more)");
}

impl Numbers {
    fn add(&mut self, source: &Source) {
        let shipped = tokens(&source.shipped);
        let functions = functions(&tokens(&source.code));
        self.functions.extend(functions.into_iter().map(|(line, len)| (len, source.at(line))));
        self.files.push((source.text.lines().count(), source.path.display().to_string()));
        self.lines += source.shipped.lines().filter(|line| !line.trim().is_empty()).count();
        let panics = shipped.windows(3).filter(|three| is_panic(three)).count();
        self.panics += panics;
        self.panics_by_file.push((panics, source.path.display().to_string()));
        let items: Vec<_> = shipped.windows(2).filter(|two| is_public_item(two)).collect();
        self.public += items.len();
        self.documented += items.iter().filter(|two| is_documented(source, two[0].line)).count();
    }
}

/// `.expect(` and `panic!(`; a function called `expect` is none.
fn is_panic(three: &[Token<'_>]) -> bool {
    let [before, name, after] = three else { return false };
    let called = (before.text == "." && after.text == "(") || after.text == "!";
    called && PANICS.contains(&name.text)
}

fn is_public_item(two: &[Token<'_>]) -> bool {
    two[0].text == "pub" && ITEMS.contains(&two[1].text)
}

/// Whether the lines above an item, its attributes aside, are its documentation.
fn is_documented(source: &Source, line: usize) -> bool {
    let above: Vec<&str> = source.text.lines().take(line - 1).map(str::trim).collect();
    let item = above.into_iter().rev().take_while(|line| !line.is_empty());
    let is_doc = |line: &&str| line.starts_with("///");
    let mut own = item.take_while(|line| is_doc(line) || !line.ends_with([';', '}']));
    own.any(|line| is_doc(&line))
}

/// What 95 of 100 do not exceed, and the longest.
fn lengths(values: &mut [Length]) -> String {
    values.sort_unstable();
    let at = (values.len() * 95).div_ceil(100).saturating_sub(1);
    let p95 = values.get(at).map_or(0, |(length, _)| *length);
    let (longest, place) = values.last().cloned().unwrap_or_default();
    format!("p95 {p95} lines; longest {longest}, {place}")
}

/// `part` of `whole`, scaled, with one digit after the point.
fn per(part: usize, whole: usize, scale: usize) -> String {
    let tenths = part * scale * 10 / whole.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_and_public_items_are_counted() {
        let text = "/// Good.\n#[must_use]\npub fn a() { b.expect(\"c\"); expect(d); panic!() }\n\
                    pub struct E;\n#[cfg(test)]\nmod tests { fn t() { x.unwrap() } }\n";
        let mut numbers = Numbers::default();
        numbers.add(&Source::new("a.rs", text));
        assert_eq!((numbers.panics, numbers.public, numbers.documented), (2, 2, 1));
        assert_eq!((numbers.lines, numbers.files), (3, vec![(6, "a.rs".to_owned())]));
    }

    #[test]
    fn percentiles_and_shares() {
        let mut hundred: Vec<Length> = (1..=100).map(|len| (len, format!("{len}.rs"))).collect();
        assert_eq!(lengths(&mut hundred), "p95 95 lines; longest 100, 100.rs");
        assert_eq!(lengths(&mut []), "p95 0 lines; longest 0, ");
        assert_eq!((per(1, 3, 100), per(0, 0, 100)), ("33.3".into(), "0.0".into()));
    }
}
