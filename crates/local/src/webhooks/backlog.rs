//! Which rows are handled next: those of an endpoint one after another, and no endpoint in the way of the others.

use std::collections::{HashMap, HashSet, VecDeque};

use tenant_store::webhooks::WakeUp;

/// Rows that wait, and those that are being handled.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// By endpoint, in the order of arrival.
    waiting: HashMap<String, VecDeque<WakeUp>>,
    /// Endpoints with rows that wait, in the order of their turns.
    turns: VecDeque<String>,
    /// What waits, to recognize a second message.
    known: HashSet<WakeUp>,
    running: HashMap<String, HashSet<WakeUp>>,
    count: usize,
}

/// Attempts at a time.
const MAX_RUNNING: usize = 64;
/// Attempts at a time to one endpoint. One that hangs leaves the others their place.
const MAX_RUNNING_OF_ENDPOINT: usize = 8;

impl Backlog {
    /// Adds a row, unless it waits already. One that is being handled is handled again afterwards.
    pub(super) fn add(&mut self, wake_up: WakeUp) {
        if !self.known.insert(wake_up.clone()) {
            return;
        }
        let webhook = wake_up.webhook_id.clone();
        let waiting = self.waiting.entry(webhook.clone()).or_default();
        if waiting.is_empty() {
            self.turns.push_back(webhook);
        }
        waiting.push_back(wake_up);
    }

    /// The next row to handle, if there is one and a place for it.
    pub(super) fn next(&mut self) -> Option<WakeUp> {
        if self.count >= MAX_RUNNING {
            return None;
        }
        for _ in 0..self.turns.len() {
            let webhook = self.turns.pop_front()?;
            let taken = self.take(&webhook);
            if self.waiting.contains_key(&webhook) {
                self.turns.push_back(webhook);
            }
            if taken.is_some() {
                return taken;
            }
        }
        None
    }

    fn take(&mut self, webhook: &str) -> Option<WakeUp> {
        let running = self.running.entry(webhook.to_owned()).or_default();
        let waiting = self.waiting.get_mut(webhook)?;
        if running.len() >= MAX_RUNNING_OF_ENDPOINT {
            return None;
        }
        let position = waiting.iter().position(|wake_up| !running.contains(wake_up))?;
        let wake_up = waiting.remove(position)?;
        if waiting.is_empty() {
            self.waiting.remove(webhook);
        }
        self.known.remove(&wake_up);
        running.insert(wake_up.clone());
        self.count += 1;
        Some(wake_up)
    }

    /// Notes that a row was handled.
    pub(super) fn end(&mut self, wake_up: &WakeUp) {
        if let Some(running) = self.running.get_mut(&wake_up.webhook_id) {
            self.count -= usize::from(running.remove(wake_up));
            if running.is_empty() {
                self.running.remove(&wake_up.webhook_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(webhook: &str, number: u32) -> WakeUp {
        WakeUp {
            webhook_id: webhook.to_owned(),
            position: number.to_string(),
        }
    }

    fn take_all(backlog: &mut Backlog) -> Vec<WakeUp> {
        std::iter::from_fn(|| backlog.next()).collect()
    }

    #[test]
    fn endpoint_with_many_rows_leaves_the_others_their_turns() {
        let mut backlog = Backlog::default();
        for number in 0..1000 {
            backlog.add(row("busy", number));
        }
        backlog.add(row("quiet", 0));
        let taken = take_all(&mut backlog);
        assert_eq!(taken.len(), MAX_RUNNING_OF_ENDPOINT + 1);
        assert!(taken.contains(&row("quiet", 0)));
        backlog.end(&row("busy", 0));
        assert_eq!(take_all(&mut backlog), [row("busy", 8)]);
    }

    #[test]
    fn no_more_rows_are_handled_at_a_time_than_there_are_places() {
        let mut backlog = Backlog::default();
        for webhook in 0..100 {
            backlog.add(row(&webhook.to_string(), 0));
        }
        let taken = take_all(&mut backlog);
        assert_eq!(taken.len(), MAX_RUNNING);
        for wake_up in &taken {
            backlog.end(wake_up);
        }
        assert_eq!(take_all(&mut backlog).len(), 100 - MAX_RUNNING);
    }

    #[test]
    fn row_waits_once_and_is_handled_again_after_a_message_during_its_handling() {
        let mut backlog = Backlog::default();
        for _ in 0..3 {
            backlog.add(row("a", 1));
        }
        assert_eq!(take_all(&mut backlog), [row("a", 1)]);
        backlog.add(row("a", 1));
        backlog.add(row("a", 2));
        assert_eq!(take_all(&mut backlog), [row("a", 2)]);
        backlog.end(&row("a", 1));
        assert_eq!(take_all(&mut backlog), [row("a", 1)]);
        backlog.end(&row("a", 1));
        backlog.end(&row("a", 2));
        assert_eq!((take_all(&mut backlog), backlog.count), (vec![], 0));
    }
}
