//! Messages of a queue of SQS.

use std::{future::Future, pin::Pin, time::Duration};

use tenant_aws::queue::Queue;

use super::wake_up::{WakeUp, WakeUpError, WakeUps};

impl WakeUps for Queue {
    fn send<'a>(
        &'a self,
        wake_ups: Vec<WakeUp>,
        delay: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<(), WakeUpError>> + Send + 'a>> {
        Box::pin(async move {
            let bodies: Result<Vec<_>, _> = wake_ups.iter().map(serde_json::to_string).collect();
            let bodies = bodies.map_err(|error| WakeUpError(error.into()))?;
            self.send(bodies, delay)
                .await
                .map_err(|error| WakeUpError(error.into()))
        })
    }
}
