//! Lists of named things: each name once, at the place where it first came.

use std::collections::BTreeMap;

/// Up to so many are looked through one by one.
const FEW: usize = 32;

/// Sets each of `more` in `all`: in place if its name is known, else at the end. What is set later
/// wins. Costs n log n, however many there are: some come from strangers.
pub fn set_all<T>(
    all: &mut Vec<T>,
    more: impl IntoIterator<Item = T>,
    name: impl for<'a> Fn(&'a T) -> &'a str,
) {
    let mut places: Option<BTreeMap<String, usize>> = None;
    for one in more {
        if places.is_none() && all.len() >= FEW {
            let known = all.iter().enumerate().map(|(at, known)| (name(known).to_owned(), at));
            places = Some(known.collect());
        }
        let place = match &places {
            Some(places) => places.get(name(&one)).copied(),
            None => all.iter().position(|known| name(known) == name(&one)),
        };
        match place {
            Some(at) => all[at] = one,
            None => {
                if let Some(places) = &mut places {
                    places.insert(name(&one).to_owned(), all.len());
                }
                all.push(one);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_there_once_at_its_first_place_with_its_last_value() {
        for count in [1, 20, 500] {
            let names: Vec<String> =
                (0..count).map(|n| format!("n{}", n % (count / 2 + 1))).collect();
            let mut all = Vec::new();
            set_all(&mut all, names.iter().zip(0..), |(name, _)| name);
            let mut slow: Vec<(&String, usize)> = Vec::new();
            for (name, value) in names.iter().zip(0..) {
                match slow.iter_mut().find(|(known, _)| *known == name) {
                    Some(known) => known.1 = value,
                    None => slow.push((name, value)),
                }
            }
            assert_eq!(all, slow);
        }
    }
}
