//! Items that a person wrote into the table, under keys that no configuration can be created with: over the whole way of a
//! signed request.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use testing::EmbeddedDynamoDb;

use crate::process_harness::Server;

const TABLE: &str = "configs";

#[tokio::test(flavor = "multi_thread")]
async fn item_with_any_key_that_a_path_can_hold_is_read_listed_validated_and_deleted() {
    let dynamodb = EmbeddedDynamoDb::start_with_table(TABLE).await;
    let server = Server::start(&["--dynamodb-endpoint", &dynamodb.endpoint(), "--table", TABLE]);
    for (tenant_id, delivery_type, tenant_segment, type_segment) in [
        ("acme.corp", "s3", "acme.corp", "s3"),
        ("O'Neil", "s3", "O'Neil", "s3"),
        ("O'Neil", "s3", "O%27Neil", "s3"),
        ("acme corp", "cloudwatch", "acme%20corp", "cloudwatch"),
        ("a/b", "s3", "a%2Fb", "s3"),
        ("100%", "s3", "100%25", "s3"),
        ("\u{e9}", "s3", "%C3%A9", "s3"),
        ("a?b#c", "s3", "a%3Fb%23c", "s3"),
        ("a*", "s3", "a%2A", "s3"),
        ("acme", "CloudWatch", "acme", "CloudWatch"),
        ("acme", "splunk:1", "acme", "splunk:1"),
    ] {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = dynamodb.client.put_item().table_name(TABLE);
        let put = put.item("tenant_id", text(tenant_id)).item("type", text(delivery_type));
        put.send().await.unwrap();

        let list = format!("/api/v1/tenants/{tenant_segment}/delivery-configs");
        let item = format!("{list}/{type_segment}");
        let expect = |method: &str, target: &str, status: u16| -> Value {
            let response = server.send(method, target, r#"{"enabled":false}"#);
            assert_eq!(response.status, status, "{method} {target}");
            response.json()["data"].take()
        };
        assert_eq!(expect("GET", &list, 200)["configurations"][0]["tenant_id"], tenant_id);
        assert_eq!(expect("GET", &item, 200)["type"], delivery_type);
        assert_eq!(expect("GET", &format!("{item}/validate"), 200)["tenant_id"], tenant_id);
        expect("PUT", &item, 409);
        expect("PATCH", &item, 409);
        expect("DELETE", &item, 200);
        expect("DELETE", &item, 400);
    }
}
