//! Words and paths of a file: which names it uses, with `use` trees written out.

/// A word or a sign, with its line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token<'a> {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// Its text: a word, `::`, or one character.
    pub(crate) text: &'a str,
}

impl Token<'_> {
    /// Whether it is a name or a keyword.
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    }
}

/// A path such as `std::collections::HashMap`, where it is used.
#[derive(Debug, PartialEq)]
pub(crate) struct UsedPath<'a> {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// Its names in order.
    pub(crate) names: Vec<&'a str>,
}

impl UsedPath<'_> {
    /// Whether `part` (`tokio`, `std::fs`) stands in it, names taken whole.
    pub(crate) fn has(&self, part: &str) -> bool {
        let part: Vec<&str> = part.split("::").collect();
        self.names.windows(part.len()).any(|names| names == part)
    }
}

/// Takes code (without comments and literals) apart.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), code, 1);
    while let Some(first) = rest.chars().next() {
        let len = token_len(rest, first);
        let (text, after) = rest.split_at(len);
        if !first.is_whitespace() {
            tokens.push(Token { line, text });
        }
        line += usize::from(first == '\n');
        rest = after;
    }
    tokens
}

fn token_len(rest: &str, first: char) -> usize {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    if in_word(first) {
        return rest.find(|c| !in_word(c)).unwrap_or(rest.len());
    }
    if rest.starts_with("::") { 2 } else { first.len_utf8() }
}

/// Every path in `tokens`; a single name is a path of one.
pub(crate) fn paths<'a>(tokens: &[Token<'a>]) -> Vec<UsedPath<'a>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at].text == "use" {
            at = use_tree(tokens, at + 1, &[], &mut found);
        } else if tokens[at].is_word() {
            at = plain_path(tokens, at, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// `a::b::c` outside of a `use`. Returns where it ends.
fn plain_path<'a>(tokens: &[Token<'a>], start: usize, found: &mut Vec<UsedPath<'a>>) -> usize {
    let (line, mut names, mut at) = (tokens[start].line, vec![tokens[start].text], start + 1);
    while let [sign, name, ..] = &tokens[at..]
        && sign.text == "::"
        && name.is_word()
    {
        names.push(name.text);
        at += 2;
    }
    found.push(UsedPath { line, names });
    at
}

/// One branch of a `use` tree below `prefix`. Returns where it ends.
fn use_tree<'a>(
    tokens: &[Token<'a>],
    start: usize,
    prefix: &[&'a str],
    found: &mut Vec<UsedPath<'a>>,
) -> usize {
    let (mut names, mut at) = (prefix.to_vec(), start);
    let line = tokens.get(start).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text {
            "::" | "*" => at += 1,
            "as" => at += 2,
            "{" => return use_branches(tokens, at + 1, &names, found),
            _ if token.is_word() => {
                names.push(token.text);
                at += 1;
            }
            _ => break, // `,`, `}` or `;`
        }
    }
    found.push(UsedPath { line, names });
    at
}

/// The branches between braces. Returns the place after the closing one.
fn use_branches<'a>(
    tokens: &[Token<'a>],
    start: usize,
    prefix: &[&'a str],
    found: &mut Vec<UsedPath<'a>>,
) -> usize {
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        at = match token.text {
            "}" => return at + 1,
            "," => at + 1,
            ";" => return at, // not Rust: the compiler will say so
            _ => use_tree(tokens, at, prefix, found).max(at + 1),
        };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str) -> Vec<String> {
        paths(&tokens(code)).iter().map(|path| path.names.join("::")).collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        let code = "use std::{fs, collections::{HashMap as Map, BTreeMap}, io::*}; let a";
        let expected =
            ["std::fs", "std::collections::HashMap", "std::collections::BTreeMap", "std::io"];
        assert_eq!(names(code)[..4], expected);
        assert_eq!(names(code)[4..], ["let", "a"]);
    }

    #[test]
    fn paths_in_code_are_found_with_their_lines() {
        let code = "fn f() {\n    tokio::select! { x.await }\n}";
        let tokens = tokens(code);
        let found = paths(&tokens);
        let select = found.iter().find(|path| path.has("tokio")).unwrap();
        assert_eq!((select.line, select.names.as_slice()), (2, ["tokio", "select"].as_slice()));
        assert!(found.iter().any(|path| path.has("await")));
    }

    #[test]
    fn names_are_taken_whole() {
        let path = UsedPath { line: 1, names: vec!["std", "fs_like"] };
        assert!(!path.has("std::fs") && !path.has("fs") && path.has("std"));
    }
}
