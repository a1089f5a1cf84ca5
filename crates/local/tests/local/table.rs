//! The embedded table: nobody else's, unless it is exposed, and even then no web page's.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
};

use tenant_store::{client, configs::ConfigStore};

use crate::{
    gateway_harness::Response,
    process_harness::{KEY, Server, command, run_to_end},
};

const TABLE: &str = "multi-tenant-logging-development-tenant-configs";
const SCAN: &str = r#"{"TableName": "multi-tenant-logging-development-tenant-configs"}"#;
/// What the AWS CLI sends. The signature is not verified.
const SIGNED: [&str; 3] = [
    "content-type: application/x-amz-json-1.0",
    "x-amz-target: DynamoDB_20120810.Scan",
    "authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
];

/// The address in the banner's line about the table.
fn endpoint(server: &Server) -> SocketAddr {
    let line = server
        .banner
        .lines()
        .find_map(|line| line.strip_prefix("table endpoint http://"));
    line.unwrap_or_else(|| panic!("{}", server.banner)).parse().unwrap()
}

fn exposed() -> Server {
    let server = Server::start(&["--in-memory", "--expose-table", "0"]);
    assert_eq!(server.create("acme"), Some(201));
    server
}

fn exchange(address: SocketAddr, request_line: &str, headers: &[&str], body: &str) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut request = format!(
        "{request_line}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Response::parse(&bytes)
}

/// The TCP ports at which a process listens.
#[cfg(target_os = "linux")]
fn listening_ports(process: u32) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut ports = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let cells: Vec<_> = line.split_whitespace().collect();
            // The state 0A is LISTEN.
            if cells[3] == "0A" && sockets.contains(cells[9]) {
                let (_, port) = cells[1].rsplit_once(':').unwrap();
                ports.insert(u16::from_str_radix(port, 16).unwrap());
            }
        }
    }
    ports
}

#[cfg(target_os = "linux")]
#[test]
fn only_the_gateway_listens() {
    let dir = tempfile::tempdir().unwrap();
    for server in [Server::start(&["--in-memory"]), Server::start_in(dir.path())] {
        assert_eq!(server.create("acme"), Some(201));
        assert_eq!(listening_ports(server.id()), BTreeSet::from([server.address.port()]));
        assert!(!server.banner.contains("table endpoint"), "{}", server.banner);
    }
    let server = exposed();
    let expected = BTreeSet::from([server.address.port(), endpoint(&server).port()]);
    assert_eq!(listening_ports(server.id()), expected);
}

#[test]
fn exposed_table_is_the_table_of_the_service() {
    let server = exposed();
    let address = endpoint(&server);
    assert!(address.ip().is_loopback());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = client::connect_embedded(&format!("http://{address}"));
        let store = ConfigStore::new(client.clone(), TABLE);
        store.ping().await.unwrap();
        let items = client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
        assert_eq!(items.len(), 1);
    });
    // A hand edit, which the service then serves.
    let item = r#"{"tenant_id": {"S": "by-hand"}, "type": {"S": "s3"}, "bucket_name": {"S": "logs-by-hand"}}"#;
    let put = format!(r#"{{"TableName": "{TABLE}", "Item": {item}}}"#);
    let [media_type, _, signature] = SIGNED;
    let headers = [
        "host: localhost",
        media_type,
        "x-amz-target: DynamoDB_20120810.PutItem",
        signature,
    ];
    assert_eq!(exchange(address, "POST / HTTP/1.1", &headers, &put).status, 200);
    let mut tenants = server.tenants();
    tenants.sort();
    assert_eq!(tenants, ["acme", "by-hand"]);
    let response = exchange(
        address,
        "POST / HTTP/1.1",
        &[&["host: localhost"], &SIGNED[..]].concat(),
        SCAN,
    );
    assert_eq!(response.status, 200);
    assert_eq!(response.json()["Count"], 2);
}

#[test]
fn web_page_gets_nothing_from_the_exposed_table() {
    let server = exposed();
    let address = endpoint(&server);
    let [media_type, target, signature] = SIGNED;
    let host = format!("host: {address}");
    let requests: [(&str, &str, Vec<&str>); 11] = [
        (
            "page",
            "POST / HTTP/1.1",
            vec![&host, media_type, target, signature, "origin: https://evil.example"],
        ),
        (
            "sandboxed page",
            "POST / HTTP/1.1",
            vec![&host, media_type, target, signature, "origin: null"],
        ),
        (
            "page of the gateway",
            "POST / HTTP/1.1",
            vec![&host, media_type, target, signature, "origin: http://127.0.0.1:8000"],
        ),
        ("unsigned", "POST / HTTP/1.1", vec![&host, media_type, target]),
        (
            "signed otherwise",
            "POST / HTTP/1.1",
            vec![&host, media_type, target, "authorization: Basic YQ=="],
        ),
        (
            "rebound name",
            "POST / HTTP/1.1",
            vec!["host: evil.example", media_type, target, signature],
        ),
        ("no host", "POST / HTTP/1.1", vec![media_type, target, signature]),
        (
            "two hosts",
            "POST / HTTP/1.1",
            vec![&host, "host: localhost", media_type, target, signature],
        ),
        (
            "simple request",
            "POST / HTTP/1.1",
            vec![&host, "content-type: text/plain", target, signature],
        ),
        (
            "preflight",
            "OPTIONS / HTTP/1.1",
            vec![
                &host,
                "origin: https://evil.example",
                "access-control-request-method: POST",
                "access-control-request-headers: authorization,x-amz-target",
                "access-control-request-private-network: true",
            ],
        ),
        ("link", "GET / HTTP/1.1", vec![&host]),
    ];
    for (name, request_line, headers) in requests {
        let body = if request_line.starts_with("POST") { SCAN } else { "" };
        let response = exchange(address, request_line, &headers, body);
        assert_eq!(response.status, 403, "{name}");
        assert!(!String::from_utf8_lossy(&response.body).contains("acme"), "{name}");
        for (header, _) in &response.headers {
            assert!(!header.starts_with("access-control-"), "{name}: {header}");
        }
    }
}

#[test]
fn taken_port_for_the_table_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = command(&["--in-memory", "--port", "0", "--expose-table", &port]);
    command.env("PSK", KEY);
    let output = run_to_end(command);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&port) && text.contains("--expose-table"), "{text}");
}
