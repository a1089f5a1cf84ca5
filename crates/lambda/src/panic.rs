//! A panic in a function fails one invocation, not the process.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use crate::{Handler, HandlerError, Invocation};

/// Invokes `function`; a panic becomes a [`HandlerError`] of kind `Panic`.
///
/// The panic's message stays in the log (see [`crate::logging`]): it may quote a value, and the error goes to the caller.
pub async fn invoke_guarded(
    function: &impl Handler,
    event: &[u8],
    invocation: &Invocation,
) -> Result<Vec<u8>, HandlerError> {
    // The call itself is inside too: a function may do its work before it returns a future.
    let mut response = pin!(async { function.invoke(event, invocation).await });
    // A future that panicked is never polled again, so nothing sees its inconsistent state, except what a function shares
    // between invocations, and that is behind locks.
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| response.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Err(HandlerError::new("Panic", "the function panicked"))))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    struct PanicsWhileCalled;

    impl Handler for PanicsWhileCalled {
        fn invoke(&self, _: &[u8], _: &Invocation) -> impl Future<Output = Result<Vec<u8>, HandlerError>> + Send {
            assert!(std::hint::black_box(false), "secret words");
            async { Ok(Vec::new()) }
        }
    }

    struct PanicsWhilePolled;

    impl Handler for PanicsWhilePolled {
        async fn invoke(&self, _: &[u8], _: &Invocation) -> Result<Vec<u8>, HandlerError> {
            tokio::task::yield_now().await;
            panic!("secret words")
        }
    }

    fn invocation() -> Invocation {
        Invocation {
            request_id: "1".to_owned(),
            trace_id: None,
            deadline: None,
            cold_start: true,
        }
    }

    #[tokio::test]
    async fn panic_before_the_future_is_an_error_without_its_message() {
        let error = invoke_guarded(&PanicsWhileCalled, b"{}", &invocation())
            .await
            .unwrap_err();
        assert_eq!(error, HandlerError::new("Panic", "the function panicked"));
    }

    #[tokio::test]
    async fn panic_in_the_future_is_an_error_without_its_message() {
        let error = invoke_guarded(&PanicsWhilePolled, b"{}", &invocation())
            .await
            .unwrap_err();
        assert_eq!(error, HandlerError::new("Panic", "the function panicked"));
    }
}
