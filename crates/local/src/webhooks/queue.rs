//! The queue between those who store deliveries and the one who sends them.

use std::{future::Future, pin::Pin, time::Duration};

use tenant_store::webhooks::{WakeUp, WakeUpError, WakeUps};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::sleep,
};

/// Messages that nobody has taken yet. A row is some 200 bytes here, and what is lost is found by the sweep.
pub(super) struct LocalQueue {
    sender: UnboundedSender<WakeUp>,
    pub(super) receiver: UnboundedReceiver<WakeUp>,
}

/// Where messages are sent.
#[derive(Debug, Clone)]
pub(super) struct QueueSender(UnboundedSender<WakeUp>);

impl LocalQueue {
    pub(super) fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self { sender, receiver }
    }

    pub(super) fn sender(&self) -> QueueSender {
        QueueSender(self.sender.clone())
    }
}

impl WakeUps for QueueSender {
    fn send<'a>(
        &'a self,
        wake_ups: Vec<WakeUp>,
        delay: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<(), WakeUpError>> + Send + 'a>> {
        let sender = self.0.clone();
        let send = move || wake_ups.into_iter().try_for_each(|wake_up| sender.send(wake_up));
        Box::pin(async move {
            if delay.is_zero() {
                // Only a server that stops takes no more.
                return send().map_err(|error| WakeUpError(error.into()));
            }
            tokio::spawn(async move {
                sleep(delay).await;
                let _ = send();
            });
            Ok(())
        })
    }
}
