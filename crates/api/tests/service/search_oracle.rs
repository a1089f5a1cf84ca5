//! Random filters over random items, compared with a brute force.
//!
//! The brute force shares no code with the service: a filter is made as a tree, which is evaluated on the attributes of a
//! scan past the API, and written out as a text for the service to parse. So the parser, the evaluation, the condition that
//! the table checks and the paging are compared at once. `ORACLE=full` makes as many items and filters as the design
//! demands, which takes minutes. A failure names the seed with which `ORACLE_SEED` repeats the run.

mod brute_force;
mod random;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use self::{
    brute_force::{Item, is_expired},
    random::Random,
};
use crate::{
    harness::{Call, LIST, Service, config_path, s3, tenant_path, text},
    search::search,
};

type Key = (String, String);

/// The tenants that others write during the walks. No filter's result counts them.
const OTHERS: &str = "other-";

struct Effort {
    items: usize,
    filters: usize,
    /// How many of the filters are walked through with small pages as well.
    walks: usize,
}

fn effort() -> Effort {
    if env::var("ORACLE").is_ok_and(|effort| effort == "full") {
        Effort {
            items: 5_000,
            filters: 500,
            walks: 500,
        }
    } else {
        Effort {
            items: 100,
            filters: 60,
            walks: 8,
        }
    }
}

#[tokio::test]
async fn pages_of_random_filters_are_what_a_brute_force_finds() {
    let seed = env::var("ORACLE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    let mut random = Random::new(seed);
    let Effort { items, filters, walks } = effort();
    let now = chrono::Utc::now().timestamp();
    let service = Service::start().await;
    for number in 0..items {
        service.put_item(random.item(number, now)).await;
    }
    let stored: BTreeMap<Key, Item> = service.scan().await;
    assert_eq!(stored.len(), items);
    let broken = broken(&service, &stored, now).await;

    let check = async {
        let mut matched = 0;
        for number in 0..filters {
            let filter = random.filter();
            let text = random.write(&filter);
            let expected: BTreeSet<_> = stored
                .iter()
                .filter(|(_, item)| !is_expired(item, now))
                .filter(|(key, item)| filter.holds(item, broken.contains(*key)))
                .map(|(key, _)| key.clone())
                .collect();
            matched += usize::from(!expected.is_empty() && expected.len() < stored.len());
            let limits: &[usize] = if number < walks { &[1, 7, 1000] } else { &[1000] };
            for limit in limits {
                let found = walk(&service, &text, *limit).await;
                assert_eq!(found, expected, "seed {seed}, limit {limit}: {text}");
            }
        }
        // Otherwise the filters would show nothing.
        assert!(
            matched * 3 > filters,
            "{matched} of {filters} filters match some items and not others"
        );
    };
    tokio::select! {
        () = check => {}
        () = write_others(&service) => unreachable!("others write without an end"),
    }
}

/// Walks the pages of a filter, half of the time through the list.
async fn walk(service: &Service, filter: &str, limit: usize) -> BTreeSet<Key> {
    let (mut found, mut last_key) = (BTreeSet::new(), None);
    loop {
        let page = page(service, filter, limit, last_key.as_deref()).await;
        let configs = page["configurations"].as_array().unwrap();
        assert!(configs.len() <= limit);
        for config in configs {
            let key = |name: &str| config[name].as_str().unwrap().to_owned();
            let is_new = found.insert((key("tenant_id"), key("type")));
            assert!(is_new, "{config} came twice, limit {limit}: {filter}");
        }
        match page.get("last_key") {
            Some(key) => last_key = Some(key.as_str().unwrap().to_owned()),
            None => break,
        }
    }
    found.retain(|(tenant_id, _)| !tenant_id.starts_with(OTHERS));
    found
}

async fn page(service: &Service, filter: &str, limit: usize, last_key: Option<&str>) -> Value {
    let call = if filter.len().is_multiple_of(2) {
        let call = Call::get(LIST)
            .query("filter", filter)
            .query("limit", &limit.to_string());
        last_key.into_iter().fold(call, |call, key| call.query("last_key", key))
    } else {
        search(&json!({"filter": filter, "limit": limit, "last_key": last_key}))
    };
    // Not `send`: it checks each response against the description, which takes longer than the search.
    let event = serde_json::to_vec(&call.into_event()).unwrap();
    let response: Value = serde_json::from_slice(&service.invoke(&event).await.unwrap()).unwrap();
    let mut body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!(response["statusCode"], 200, "{filter}: {body}");
    assert_eq!(
        body["data"]["count"],
        body["data"]["configurations"].as_array().unwrap().len()
    );
    body["data"].take()
}

/// Creates, changes and deletes configurations of other tenants, without an end.
async fn write_others(service: &Service) {
    for number in 0_usize.. {
        let tenant_id = format!("{OTHERS}{}", number % 50);
        let path = config_path(&tenant_id, "s3");
        let call = match number / 50 % 3 {
            0 => Call::post(&tenant_path(&tenant_id)).json(&s3(&tenant_id)),
            1 => Call::patch(&path).json(&json!({"enabled": false, "desired_logs": ["a"]})),
            _ => Call::delete(&path),
        };
        let event = serde_json::to_vec(&call.into_event()).unwrap();
        service.invoke(&event).await.unwrap();
    }
}

/// The items of which a check of a field fails, according to their validation.
async fn broken(service: &Service, stored: &BTreeMap<Key, Item>, now: i64) -> BTreeSet<Key> {
    let mut broken = BTreeSet::new();
    for (key, item) in stored {
        if is_expired(item, now) {
            continue;
        }
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let path = format!("{}/validate", config_path(&encode(&key.0), &encode(&key.1)));
        let call = Call::get(&path).query("live", "false");
        let event = serde_json::to_vec(&call.into_event()).unwrap();
        let response: Value = serde_json::from_slice(&service.invoke(&event).await.unwrap()).unwrap();
        let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
        assert_eq!(response["statusCode"], 200, "{key:?}: {body}");
        let checks = body["data"]["checks"].as_array().unwrap();
        let is_failed = |check: &&Value| check["status"] == "missing" || check["status"] == "invalid";
        // What another item of the tenant causes is not in the item.
        if checks
            .iter()
            .filter(is_failed)
            .any(|check| check["field"] != "siblings")
        {
            broken.insert(key.clone());
        }
    }
    broken
}

#[test]
fn brute_force_is_not_always_wrong_or_right() {
    let item = Item::from([("tenant_id".to_owned(), text("acme")), ("type".to_owned(), text("s3"))]);
    let mut random = Random::new(7);
    let filters: Vec<_> = (0..1000).map(|_| random.filter()).collect();
    let holding = filters.iter().filter(|filter| filter.holds(&item, false)).count();
    assert!((100..900).contains(&holding), "{holding}");
}
