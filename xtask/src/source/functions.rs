//! Functions of a file and how long they are.

use super::paths::Token;

/// Each function with a body: the line of its `fn`, and how many lines it takes to its last brace.
pub(crate) fn functions(tokens: &[Token<'_>]) -> Vec<(usize, usize)> {
    let starts = tokens.windows(2).enumerate();
    let starts = starts.filter(|(_, pair)| pair[0].text == "fn" && pair[1].is_word());
    let lines = |at: usize| Some((tokens[at].line, function_lines(&tokens[at..])?));
    starts.filter_map(|(at, _)| lines(at)).collect()
}

/// Lines of the function that starts here; nothing if it has no body.
fn function_lines(tokens: &[Token<'_>]) -> Option<usize> {
    let (mut inside, mut body) = (0_usize, 0_usize);
    for token in tokens {
        match token.text {
            "(" | "[" => inside += 1,
            ")" | "]" => inside = inside.saturating_sub(1),
            "{" => body += 1,
            "}" if body == 1 => return Some(token.line - tokens[0].line + 1),
            "}" => body = body.saturating_sub(1),
            ";" if inside == 0 && body == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use super::*;

    #[test]
    fn a_function_ends_at_its_brace() {
        let code = "trait T { fn a(x: [u8; 2]); }\nfn b() {\n  if x { y }\n}\nfn c() {}";
        assert_eq!(functions(&tokens(code)), [(2, 3), (5, 1)]);
    }
}
