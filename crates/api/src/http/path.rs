//! The parameters in the path of a URL.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;
use tenant_core::{DeliveryType, TenantId};

use super::rejection::PathRejection;

/// A tenant: `/tenants/{tenant_id}`.
pub(crate) struct Tenant(pub(crate) TenantId);

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = PathRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PathRejection> {
        let tenant_id: String = read(parts, state).await?;
        Ok(Self(parse_tenant_id(&tenant_id)?))
    }
}

/// One configuration of a tenant: `/tenants/{tenant_id}/delivery-configs/{type}`.
pub(crate) struct Target {
    pub(crate) tenant_id: TenantId,
    pub(crate) delivery_type: DeliveryType,
}

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = PathRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PathRejection> {
        let (tenant_id, delivery_type): (String, String) = read(parts, state).await?;
        Ok(Self {
            tenant_id: parse_tenant_id(&tenant_id)?,
            delivery_type: delivery_type.parse().map_err(PathRejection::DeliveryType)?,
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
