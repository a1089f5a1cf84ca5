//! Errors as they are logged.

use std::{error::Error, fmt::Write};

/// An error and its causes, outermost first.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string does not fail.
        let _ = write!(line, ": {error}");
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::{EndpointError, RunError};

    #[test]
    fn causes_follow_what_they_caused() {
        let error = RunError::Endpoint(EndpointError::Setup(io::Error::other("no signals here")));
        let causes = [
            &error.to_string(),
            &EndpointError::Setup(io::Error::other("")).to_string(),
            "no signals here",
        ];
        assert_eq!(chain(&error), causes.join(": "));
    }

    #[test]
    fn error_without_a_cause_is_its_own_text() {
        assert_eq!(chain(&io::Error::other("alone")), "alone");
    }
}
