//! The response with a page of configurations.

use serde::Serialize;
use tenant_core::{Filter, PageLimit, StoredConfig};
use tenant_store::configs::Page;

/// A page of the configurations of all tenants, or of those that match a filter.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DeliveryConfigPage))]
pub(super) struct PageList {
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    configurations: Vec<StoredConfig>,
    /// The length of `configurations`.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    count: usize,
    /// The largest number of configurations that this page can contain.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    limit: u16,
    /// The key of the next page. The last page has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, example = "acme-corp#s3"))]
    last_key: Option<String>,
    /// The filter in its canonical form, as the service has read it. Only where one was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, example = "type = \"s3\""))]
    filter: Option<String>,
    /// The number of items that were read for this page. Only where a filter was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, maximum = 1_000_000))]
    scanned: Option<usize>,
}

impl PageList {
    pub(super) fn new(page: Page, limit: PageLimit) -> Self {
        Self {
            count: page.configs.len(),
            configurations: page.configs,
            limit: limit.get(),
            last_key: page.last_key.map(|cursor| cursor.to_string()),
            filter: None,
            scanned: None,
        }
    }

    /// Adds which filter was used, and how much was read for it.
    pub(super) fn with_filter(self, filter: &Filter, scanned: usize) -> Self {
        Self {
            filter: Some(filter.to_string()),
            scanned: Some(scanned),
            ..self
        }
    }
}
