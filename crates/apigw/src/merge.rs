//! The rule by which a single-value map and its multi-value twin become one list.
//!
//! API Gateway sends headers and query parameters twice: a map of names to their last values, and a map of names to all
//! their values. A proxy response may use either map, too. Everywhere the multi-value map wins for every name that it
//! has a value for, and the single-value map supplies the names that the other lacks.

use std::{borrow::Cow, collections::BTreeSet};

/// How names compare.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Names {
    /// Byte for byte: query parameters.
    Exact,
    /// In any case: headers (RFC 9110, 5.1).
    IgnoreCase,
}

impl Names {
    fn fold(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::IgnoreCase if name.bytes().any(|byte| byte.is_ascii_uppercase()) => name.to_ascii_lowercase().into(),
            _ => name.into(),
        }
    }
}

/// Every pair of both maps, with each value of `multi` as a pair of its own.
pub(crate) fn merge<N: AsRef<str>, V>(
    mut multi: Vec<(N, V)>,
    single: impl IntoIterator<Item = (N, V)>,
    names: Names,
) -> Vec<(N, V)> {
    let supplied = only_in_single(&multi, single, names);
    multi.extend(supplied);
    multi
}

/// The pairs of `single` whose names `multi` lacks.
pub(crate) fn only_in_single<M: AsRef<str>, W, N: AsRef<str>, V>(
    multi: &[(M, W)],
    single: impl IntoIterator<Item = (N, V)>,
    names: Names,
) -> Vec<(N, V)> {
    let mut listed = BTreeSet::new();
    for (name, _) in multi {
        listed.insert(names.fold(name.as_ref()));
    }
    single
        .into_iter()
        .filter(|(name, _)| !listed.contains(&names.fold(name.as_ref())))
        .collect()
}

/// The multi-value map as pairs. A name with an empty list has none.
pub(crate) fn flatten<N: Clone, V>(multi: impl IntoIterator<Item = (N, Vec<V>)>) -> Vec<(N, V)> {
    multi
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multi_value_map_wins_and_single_value_map_supplies_missing_names() {
        let multi = vec![("A", 1), ("A", 2), ("b", 3)];
        let single = [("A", 2), ("a", 4), ("c", 5)];
        assert_eq!(
            merge(multi.clone(), single, Names::Exact),
            [("A", 1), ("A", 2), ("b", 3), ("a", 4), ("c", 5)]
        );
        assert_eq!(
            merge(multi, single, Names::IgnoreCase),
            [("A", 1), ("A", 2), ("b", 3), ("c", 5)]
        );
    }

    #[test]
    fn empty_list_of_the_multi_value_map_does_not_hide_a_single_value() {
        let multi = flatten([("a", Vec::new()), ("b", vec![1, 2])]);
        assert_eq!(merge(multi, [("a", 3)], Names::Exact), [("b", 1), ("b", 2), ("a", 3)]);
    }
}
