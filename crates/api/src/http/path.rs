//! The parameters in the path of a URL.
//!
//! People write items by hand, under any key that the table accepts. Routes that only read or delete take such a key;
//! whether it is valid for a configuration matters only where no item has it.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;
use tenant_core::{ConfigKey, TenantId, history::Revision};

use super::rejection::PathRejection;

/// A tenant for which a configuration can be created: `/tenants/{tenant_id}`.
pub(crate) struct Tenant(pub(crate) TenantId);

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = PathRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PathRejection> {
        let tenant_id: String = read(parts, state).await?;
        Ok(Self(parse_tenant_id(&tenant_id)?))
    }
}

/// A tenant that may have items: `/tenants/{tenant_id}`.
pub(crate) struct AnyTenant(String);

impl AnyTenant {
    /// The tenant as it is in the table.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Fails if no configuration can be created for the tenant.
    pub(crate) fn check(&self) -> Result<(), PathRejection> {
        parse_tenant_id(&self.0).map(drop)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AnyTenant {
    type Rejection = PathRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PathRejection> {
        let tenant = Self(read(parts, state).await?);
        if !(1..=ConfigKey::MAX_TENANT_ID_BYTES).contains(&tenant.0.len()) {
            tenant.check()?;
        }
        Ok(tenant)
    }
}

/// One configuration of a tenant: `/tenants/{tenant_id}/delivery-configs/{type}`.
pub(crate) struct Target(pub(crate) ConfigKey);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = PathRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PathRejection> {
        let (tenant_id, delivery_type): (String, String) = read(parts, state).await?;
        Ok(Self(ConfigKey::new(tenant_id, delivery_type)?))
    }
}

/// One revision of a configuration: `/tenants/{tenant_id}/delivery-configs/{type}/history/{revision}`.
pub(crate) struct RevisionTarget {
    pub(crate) target: Target,
    pub(crate) revision: Revision,
}

impl<S: Send + Sync> FromRequestParts<S> for RevisionTarget {
    type Rejection = PathRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PathRejection> {
        let (tenant_id, delivery_type, revision): (String, String, String) = read(parts, state).await?;
        Ok(Self {
            target: Target(ConfigKey::new(tenant_id, delivery_type)?),
            revision: revision.parse()?,
        })
    }
}

async fn read<T: DeserializeOwned + Send, S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<T, PathRejection> {
    let Path(names) = Path::from_request_parts(parts, state)
        .await
        .map_err(|_| PathRejection::NotUtf8)?;
    Ok(names)
}

fn parse_tenant_id(text: &str) -> Result<TenantId, PathRejection> {
    text.parse().map_err(PathRejection::TenantId)
}
