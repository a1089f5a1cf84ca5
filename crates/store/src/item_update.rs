//! A change of an item, once as the expression that DynamoDB applies and once as its effect on an item at hand.
//!
//! An update can return the item as it was before or as it is afterwards, not both. The store asks for the one before and
//! derives the other here.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::{item::Item, placeholders::Placeholders};

/// The changes of one update. No attribute may be in two of the lists.
#[derive(Debug, Default)]
pub(crate) struct ItemUpdate {
    /// Attributes that get a value.
    pub(crate) set: Vec<(&'static str, AttributeValue)>,
    /// Attributes that get a value where they are absent.
    pub(crate) set_if_absent: Vec<(&'static str, AttributeValue)>,
    /// Attributes that are removed.
    pub(crate) remove: Vec<&'static str>,
}

impl ItemUpdate {
    /// The update expression. There must be at least one change.
    pub(crate) fn expression(&self, placeholders: &mut Placeholders) -> String {
        let mut set = Vec::new();
        for (name, value) in &self.set {
            let value = placeholders.value(name, value.clone());
            set.push(format!("{} = {value}", placeholders.name(name)));
        }
        for (name, value) in &self.set_if_absent {
            let value = placeholders.value(name, value.clone());
            let name = placeholders.name(name);
            set.push(format!("{name} = if_not_exists({name}, {value})"));
        }
        let remove = self.remove.iter().map(|name| placeholders.name(name)).collect();
        let clauses = [("SET", set), ("REMOVE", remove)];
        let clauses = clauses
            .into_iter()
            .filter(|(_, actions): &(_, Vec<String>)| !actions.is_empty());
        let clauses = clauses.map(|(clause, actions)| format!("{clause} {}", actions.join(", ")));
        clauses.collect::<Vec<_>>().join(" ")
    }

    /// The item as it is after the update.
    pub(crate) fn apply(self, mut item: Item) -> Item {
        for (name, value) in self.set_if_absent {
            item.entry(name.to_owned()).or_insert(value);
        }
        item.extend(self.set.into_iter().map(|(name, value)| (name.to_owned(), value)));
        for name in self.remove {
            item.remove(name);
        }
        item
    }
}
