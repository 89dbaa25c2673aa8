//! Which keys there are, learnt from how a type deserializes.
//!
//! A derived struct names its fields when it is asked to deserialize. A probe notes them, then goes
//! down each of them in turn. Values are never made: where a probe meets a value it gives up, and
//! has learnt that it is one. A hundred keys take well under a millisecond.
//!
//! That spares a list of keys beside the structs, and finds keys that have no default value.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Sections deeper than this are values to us: a type that holds itself has no end.
const DEEPEST: usize = 8;

/// The keys of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Schema(Node);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Node {
    /// A value, of whatever type.
    #[default]
    Value,
    /// A struct: these keys and no other.
    Section(BTreeMap<&'static str, Node>),
}

/// No such key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    nearest: Option<String>,
}

impl Unknown {
    pub(super) fn tell(&self) -> String {
        match &self.nearest {
            Some(nearest) => format!("no such key; did you mean {nearest}?"),
            None => "no such key".to_owned(),
        }
    }
}

impl Schema {
    pub(super) fn of<T: DeserializeOwned>() -> Self {
        Self(learn::<T>(&mut Vec::new()))
    }

    /// Whether the path leads to a section with keys of its own.
    pub(super) fn section(&self, path: &[String]) -> bool {
        let mut node = &self.0;
        for name in path {
            match node {
                Node::Section(keys) => match keys.get(name.as_str()) {
                    Some(inner) => node = inner,
                    None => return false,
                },
                Node::Value => return false,
            }
        }
        matches!(node, Node::Section(_))
    }

    /// Whether there is such a key; what is below a value is the value's affair.
    pub(super) fn find(&self, path: &[String]) -> Result<(), Unknown> {
        let mut node = &self.0;
        for name in path {
            match node {
                Node::Value => return Ok(()),
                Node::Section(keys) => match keys.get(name.as_str()) {
                    Some(inner) => node = inner,
                    None => return Err(self.unknown(name, keys, path)),
                },
            }
        }
        Ok(())
    }

    /// All keys that are values.
    pub(super) fn leaves(&self) -> Vec<String> {
        let mut all = Vec::new();
        self.0.leaves(&mut Vec::new(), &mut all);
        all
    }

    /// A name that is like it beside it, else the same name in another section.
    fn unknown(
        &self,
        name: &str,
        beside: &BTreeMap<&'static str, Node>,
        path: &[String],
    ) -> Unknown {
        let near = |it: &str| {
            let alike = strsim::damerau_levenshtein(name, it);
            (alike <= 1 + name.chars().count().min(it.chars().count()) / 4).then_some(alike)
        };
        let nearest = beside
            .keys()
            .filter_map(|it| Some((near(it)?, *it)))
            .min()
            .map(|(_, it)| it.to_owned())
            .or_else(|| {
                let last = path.last()?;
                self.leaves().into_iter().find(|leaf| leaf.rsplit('.').next() == Some(last))
            });
        Unknown { nearest }
    }
}

impl Node {
    fn leaves(&self, path: &mut Vec<&'static str>, all: &mut Vec<String>) {
        match self {
            Self::Value => all.push(path.join(".")),
            Self::Section(keys) => {
                for (key, node) in keys {
                    path.push(key);
                    node.leaves(path, all);
                    path.pop();
                }
            }
        }
    }
}

/// What is at the end of this path.
fn learn<T: DeserializeOwned>(path: &mut Vec<&'static str>) -> Node {
    let found = Cell::new(None);
    // Always an error: the probe has no values. What it learnt is in `found`.
    T::deserialize(Probe { toward: path, found: &found }).err();
    let Some(fields) = found.get().filter(|_| path.len() < DEEPEST) else { return Node::Value };
    let below = |field: &&'static str| {
        path.push(field);
        let node = learn::<T>(path);
        path.pop();
        (*field, node)
    };
    Node::Section(fields.iter().map(below).collect())
}

/// Ends a probe: it has learnt what there was to learn.
#[derive(Debug)]
struct Learnt;

impl fmt::Display for Learnt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the probe of the configuration has no values")
    }
}

impl std::error::Error for Learnt {}

impl de::Error for Learnt {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Goes down one path, and notes the fields at its end if a struct is there.
#[derive(Clone, Copy)]
struct Probe<'a> {
    toward: &'a [&'static str],
    found: &'a Cell<Option<&'static [&'static str]>>,
}

impl<'de> de::Deserializer<'de> for Probe<'_> {
    type Error = Learnt;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Learnt> {
        Err(Learnt)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Learnt> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Learnt> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Learnt> {
        match self.toward {
            [] => {
                self.found.set(Some(fields));
                Err(Learnt)
            }
            [field, toward @ ..] => {
                visitor.visit_map(OneField { field, probe: Self { toward, ..self } })
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A struct of which only one field is said.
struct OneField<'a> {
    field: &'static str,
    probe: Probe<'a>,
}

impl<'de> MapAccess<'de> for OneField<'_> {
    type Error = Learnt;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Learnt> {
        seed.deserialize(StrDeserializer::<Learnt>::new(self.field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Learnt> {
        seed.deserialize(self.probe)
    }
}
