//! Pages of the list of all configurations.

use tenant_core::{Cursor, StoredConfig};

use super::item::cursor;
use crate::{item::Item, json::max_object_bytes};

/// A page of the list of all configurations.
#[derive(Debug, Clone)]
pub struct Page {
    /// At most as many as requested; fewer when they are large, or when many of the items that were read are not in the list.
    pub configs: Vec<StoredConfig>,
    /// Where the next page starts; `None` on the last page.
    pub last_key: Option<Cursor>,
}

/// A page's JSON at most. The response of a function may have 6 MB; the page is quoted into it as a string, which can
/// double its length, and the envelope comes on top.
const MAX_PAGE_BYTES: usize = 2_750_000;

/// A bound for the length of an item's JSON in a list.
pub(super) fn json_bytes(item: &Item) -> usize {
    max_object_bytes(item) + ",".len()
}

/// A page that is being filled.
#[derive(Default)]
pub(super) struct PageBuilder {
    configs: Vec<StoredConfig>,
    bytes: usize,
}

impl PageBuilder {
    pub(super) fn len(&self) -> usize {
        self.configs.len()
    }

    /// Adds a configuration unless the page would become too large. The first one always fits: an item has 400 kB at most.
    pub(super) fn push(&mut self, config: StoredConfig, bytes: usize) -> bool {
        if !self.configs.is_empty() && self.bytes + bytes > MAX_PAGE_BYTES {
            return false;
        }
        self.bytes += bytes;
        self.configs.push(config);
        true
    }

    /// The page. The next one starts after its last configuration.
    pub(super) fn finish(self) -> Page {
        let last = self.configs.last();
        Page {
            last_key: last.map(|last| Cursor::new(last.tenant_id(), last.delivery_type())),
            configs: self.configs,
        }
    }

    /// The page. The next one starts after this key; without one, there is none.
    pub(super) fn finish_before(self, next: Option<&Item>) -> Page {
        Page {
            configs: self.configs,
            last_key: next.map(cursor),
        }
    }
}
