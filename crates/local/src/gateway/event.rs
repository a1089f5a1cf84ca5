//! The events of one call to this gateway.

use apigw::{
    MethodArnParts,
    gateway_event::{Event, GatewayRequest},
};

use super::{call::Call, route::Route};
use crate::id;

/// The API's id, as long as AWS's own.
const API_ID: &str = "local00000";

/// Where the API is deployed.
pub(super) struct Deployment<'a> {
    pub(super) region: &'a str,
    pub(super) stage: &'a str,
}

/// The ARN of the called method of the deployed API, which the authorizer's policy allows or denies.
pub(super) fn method_arn(call: &Call, route: &Route<'_>, deployment: &Deployment<'_>) -> String {
    let arn = MethodArnParts {
        region: deployment.region,
        account: id::ACCOUNT,
        api: API_ID,
        stage: deployment.stage,
        method: call.method.as_str(),
        path: route.path,
    };
    arn.to_string()
}

/// The common part of the events for the authorizer and for the api function.
pub(super) fn new<'a>(call: &'a Call, route: &Route<'a>, deployment: &Deployment<'a>) -> Event<'a> {
    Event::new(GatewayRequest {
        resource: route.resource,
        proxy: route.proxy,
        path: route.path,
        context_path: call.path(),
        method: call.method.as_str(),
        headers: &call.headers,
        query: call.query(),
        source_ip: call.peer.ip().to_canonical().to_string(),
        request_time: call.time.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        request_time_epoch: call.time.timestamp_millis(),
        request_id: &call.request_id,
        extended_request_id: id::extended(),
        account: id::ACCOUNT,
        api: API_ID,
        stage: deployment.stage,
    })
}
