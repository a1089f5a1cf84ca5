//! Messages that could not be worked on.

use tenant_aws::parameter::ParameterError;
use tenant_store::StoreError;

use crate::NotifierError;

/// A message that is to be delivered again, and why.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) message_id: String,
    pub(crate) fault: Fault,
}

/// Why a message could not be worked on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It ends in the dead-letter queue, where somebody sees it.
    #[error("the message is not one of this service")]
    Foreign,
    #[error(transparent)]
    Notifier(#[from] NotifierError),
}

impl Fault {
    /// Whether it passes by itself.
    pub(crate) const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Notifier(
                NotifierError::Store(
                    StoreError::Throttled(_) | StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)
                ) | NotifierError::MasterKey(
                    ParameterError::Throttled(_) | ParameterError::TimedOut | ParameterError::Unavailable(_)
                )
            )
        )
    }
}
