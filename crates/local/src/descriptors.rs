//! The limit of open files, which bounds the connections.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What the process asks for, if the system allows that many. macOS allows no more.
const WANTED: u64 = 10_240;
/// For everything but clients: the database, the log, and connections to a DynamoDB elsewhere.
const RESERVED: u64 = 128;
/// For a process that must not have more, or on a system that does not report its limit.
const FEWEST_CONNECTIONS: u64 = 64;

/// Raises the limit of open files as far as the process may, and returns how many connections of clients fit into it.
pub(crate) fn make_room_for_clients() -> usize {
    let connections = raise_limit().saturating_sub(RESERVED).max(FEWEST_CONNECTIONS);
    usize::try_from(connections.min(WANTED)).expect("the number is small")
}

/// The limit after it was raised.
fn raise_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return 0;
    };
    let target = hard.min(WANTED);
    if soft >= target || setrlimit(Resource::RLIMIT_NOFILE, target, hard).is_err() {
        return soft;
    }
    target
}
