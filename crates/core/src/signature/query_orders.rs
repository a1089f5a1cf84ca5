//! The orders in which a client may have sent its query pairs.

use super::MAX_PAIRS_IN_ANY_ORDER;

/// Orders of pairs that are sorted by name. An order is the pairs' positions, first to last.
///
/// API Gateway passes on the values of one name in the order in which they were sent. Only the positions of the names are
/// lost. So in every order the pairs of one name keep theirs, and `a=1&a=2` never matches `a=2&a=1`.
pub(super) struct QueryOrders {
    /// For each pair, the position of the first pair with its name.
    groups: Vec<usize>,
    /// The order of the event, as such first positions.
    as_received: Vec<usize>,
}

impl QueryOrders {
    /// The orders of pairs with these names, which are sorted; `received` are the same names in the event's order.
    pub(super) fn new<T: PartialEq>(sorted: &[T], received: &[T]) -> Self {
        let first_with = |name| sorted.iter().position(|other| other == name);
        Self {
            groups: sorted.iter().filter_map(first_with).collect(),
            as_received: received.iter().filter_map(first_with).collect(),
        }
    }

    /// Each order once: sorted, as received, then, for few enough pairs, every other one.
    pub(super) fn iter(&self) -> impl Iterator<Item = Vec<usize>> {
        let received = (self.as_received != self.groups).then(|| self.as_received.clone());
        let others = Permutations {
            next: (self.groups.len() <= MAX_PAIRS_IN_ANY_ORDER).then(|| self.groups.clone()),
        }
        .filter(|order| *order != self.groups && *order != self.as_received);
        std::iter::once(self.groups.clone())
            .chain(received)
            .chain(others)
            .map(positions)
    }
}

/// Replaces each group by the positions of its pairs, in order.
fn positions(mut groups: Vec<usize>) -> Vec<usize> {
    let mut used = vec![0; groups.len()];
    for group in &mut groups {
        let taken = &mut used[*group];
        *group += *taken;
        *taken += 1;
    }
    groups
}

/// The distinct permutations of a sorted list that may repeat an element, in lexicographic order.
struct Permutations {
    next: Option<Vec<usize>>,
}

impl Iterator for Permutations {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let current = self.next.take()?;
        self.next = successor(&current);
        Some(current)
    }
}

/// The next greater arrangement: raise the last element that a greater one follows by as little as possible, and sort
/// what follows it.
fn successor(order: &[usize]) -> Option<Vec<usize>> {
    let raised = order.windows(2).rposition(|pair| pair[0] < pair[1])?;
    let replacement = order.iter().rposition(|element| *element > order[raised])?;
    let mut next = order.to_vec();
    next.swap(raised, replacement);
    next[raised + 1..].reverse();
    Some(next)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn orders(sorted: &[&str], received: &[&str]) -> Vec<Vec<usize>> {
        QueryOrders::new(sorted, received).iter().collect()
    }

    #[test]
    fn sorted_order_comes_first_then_the_received_one() {
        let orders = orders(&["a", "b", "c"], &["c", "a", "b"]);
        assert_eq!(orders[..2], [vec![0, 1, 2], vec![2, 0, 1]]);
    }

    #[test]
    fn up_to_four_pairs_come_in_every_order_once() {
        for (names, count) in [
            (&["a"][..], 1),
            (&["a", "b"], 2),
            (&["a", "b", "c"], 6),
            (&["a", "b", "c", "d"], 24),
        ] {
            let orders = orders(names, names);
            assert_eq!(orders.len(), count);
            assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), count);
        }
    }

    #[test]
    fn five_pairs_come_in_two_orders() {
        assert_eq!(orders(&["a", "b", "c", "d", "e"], &["e", "d", "c", "b", "a"]).len(), 2);
        assert_eq!(orders(&["a", "b", "c", "d", "e"], &["a", "b", "c", "d", "e"]).len(), 1);
    }

    #[test]
    fn pairs_of_one_name_keep_their_order() {
        let orders = orders(&["a", "a", "b"], &["a", "b", "a"]);
        assert_eq!(orders, [vec![0, 1, 2], vec![0, 2, 1], vec![2, 0, 1]]);
    }
}
