//! The DynamoDB requests of the service before its changes named their requests.

use serde_json::{Map, Value};

const LAST_CHANGE: &str = "last_change";

/// Takes the name of the request out of a write. `None` for the mark of a deletion, which has nothing else.
///
/// A deletion gets its former condition, that the item exists.
pub(crate) fn without_name(request: &Value) -> Option<Value> {
    let mut request = request.as_object()?.clone();
    if let Some(item) = request.get_mut("Item").and_then(Value::as_object_mut) {
        item.remove(LAST_CHANGE);
    }
    let update = request
        .get("UpdateExpression")
        .and_then(Value::as_str)
        .map(without_clause);
    match update {
        Some(update) if update == "SET " => return None,
        Some(update) => drop(request.insert("UpdateExpression".to_owned(), update.into())),
        None => {}
    }
    let condition = request.get("ConditionExpression").and_then(Value::as_str);
    if condition.is_some_and(|condition| condition.contains(LAST_CHANGE)) {
        let exists = "attribute_exists(#tenant_id)";
        request.insert("ConditionExpression".to_owned(), exists.into());
        names(&mut request)?.insert("#tenant_id".to_owned(), "tenant_id".into());
    }
    for placeholders in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let Some(members) = request.get_mut(placeholders).and_then(Value::as_object_mut) else {
            continue;
        };
        members.retain(|name, _| !name.ends_with(LAST_CHANGE));
        if members.is_empty() {
            request.remove(placeholders);
        }
    }
    Some(request.into())
}

fn names(request: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    request.get_mut("ExpressionAttributeNames")?.as_object_mut()
}

/// An update expression without the assignment of the attribute, wherever it is among the others.
fn without_clause(expression: &str) -> String {
    let assignments = expression.strip_prefix("SET ").unwrap_or(expression).split(", ");
    let others: Vec<_> = assignments
        .filter(|assignment| !assignment.starts_with("#last_change"))
        .collect();
    format!("SET {}", others.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn write_loses_the_name_and_nothing_else() {
        let put = json!({"TableName": "t", "Item": {"tenant_id": {"S": "a"}, "last_change": {"M": {}}}});
        assert_eq!(
            without_name(&put),
            Some(json!({"TableName": "t", "Item": {"tenant_id": {"S": "a"}}}))
        );
        let update = json!({
            "UpdateExpression": "SET #version = :version, #last_change = :last_change, #enabled = :enabled",
            "ConditionExpression": "attribute_exists(#tenant_id)",
            "ExpressionAttributeNames": {"#version": "version", "#last_change": "last_change"},
            "ExpressionAttributeValues": {":last_change": {"M": {}}, ":version": {"S": "v"}}
        });
        let former = json!({
            "UpdateExpression": "SET #version = :version, #enabled = :enabled",
            "ConditionExpression": "attribute_exists(#tenant_id)",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":version": {"S": "v"}}
        });
        assert_eq!(without_name(&update), Some(former));
    }

    #[test]
    fn deletion_is_one_call_on_an_item_that_exists() {
        let mark = json!({"UpdateExpression": "SET #last_change = :last_change"});
        assert_eq!(without_name(&mark), None);
        let delete = json!({
            "ConditionExpression": "#last_change = :is_last_change",
            "ExpressionAttributeNames": {"#last_change": "last_change"},
            "ExpressionAttributeValues": {":is_last_change": {"M": {}}}
        });
        let former = json!({
            "ConditionExpression": "attribute_exists(#tenant_id)",
            "ExpressionAttributeNames": {"#tenant_id": "tenant_id"}
        });
        assert_eq!(without_name(&delete), Some(former));
    }
}
