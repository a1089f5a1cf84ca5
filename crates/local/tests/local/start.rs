//! Starting and stopping the process: its output, and its errors.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
    thread,
    time::Duration,
};

use testing::{EmbeddedDynamoDb, closed_port};

use crate::{
    gateway_harness::Response,
    process_harness::{KEY, Server, command, run_to_end},
};

const LIST: &str = "/api/v1/delivery-configs";

/// Checks the form of a failed start: nothing on standard output, one line on standard error, status 1.
fn error_line(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"", "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("error: "), "{text}");
    text
}

fn fail(arguments: &[&str]) -> String {
    let mut command = command(arguments);
    command.env("PSK", KEY);
    error_line(&run_to_end(command))
}

/// The request that the server prints to be pasted.
fn script(server: &Server) -> String {
    let lines: Vec<_> = server.banner.lines().filter(|line| line.starts_with("  ")).collect();
    lines.join("\n")
}

#[test]
fn signed_request_succeeds_with_and_without_the_stage() {
    let server = Server::start(&["--in-memory"]);
    for target in [LIST.to_owned(), format!("/development{LIST}")] {
        assert_eq!(server.send("GET", &target, "").status, 200, "{target}");
    }
    assert_eq!(server.create("acme"), Some(201));
    assert_eq!(server.create("acme"), Some(409));
}

#[test]
fn printed_request_works_and_does_not_contain_the_key() {
    let dir = tempfile::tempdir().unwrap();
    // A path that a shell would split if it were not quoted.
    let data_dir = dir.path().join("it's $HOME");
    let server = Server::spawn(command(&["--data-dir", data_dir.to_str().unwrap()]));
    let key = fs::read_to_string(data_dir.join("psk")).unwrap();
    assert!(!server.banner.contains(key.trim_end()));
    let script = script(&server);
    let output = Command::new("bash").args(["-euc", &script]).output().unwrap();
    let response = String::from_utf8(output.stdout).unwrap();
    assert!(
        response.contains(r#""status":"success""#),
        "{script}{response}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn printed_request_reads_the_key_from_the_environment() {
    let server = Server::start(&["--in-memory"]);
    let script = script(&server);
    let output = Command::new("bash")
        .args(["-euc", &script])
        .env("PSK", KEY)
        .output()
        .unwrap();
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains(r#""status":"success""#)
    );
    let output = Command::new("bash")
        .args(["-euc", &script])
        .env_remove("PSK")
        .output()
        .unwrap();
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("set PSK to the key first")
    );
}

#[test]
fn created_key_is_stored_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Server::spawn(command(&["--data-dir", dir.path().to_str().unwrap()]));
    start().kill();
    let path = dir.path().join("psk");
    let key = fs::read(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    start().kill();
    assert_eq!(fs::read(&path).unwrap(), key);
}

#[test]
fn key_from_a_file_is_used_and_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    fs::write(&path, format!("{KEY}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = command(&["--in-memory", "--psk-file", path.to_str().unwrap()]);
    command.env("PSK", "another key of the environment");
    command.stderr(log.reopen().unwrap());
    let server = Server::spawn(command);
    assert_eq!(server.create("acme"), Some(201));
    assert!(server.banner.contains(path.to_str().unwrap()) && !server.banner.contains(KEY));
    let log = fs::read_to_string(log.path()).unwrap();
    assert!(
        log.contains("other users can read the key") && !log.contains(KEY),
        "{log}"
    );
}

#[test]
fn port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let text = fail(&["--in-memory", "--port", &port]);
    assert!(text.contains(&port) && text.contains("--port"), "{text}");
}

#[test]
fn address_of_another_machine_is_reported() {
    let text = fail(&["--in-memory", "--port", "0", "--host", "192.0.2.1"]);
    assert!(text.contains("192.0.2.1") && text.contains("--host"), "{text}");
}

#[test]
fn data_directory_in_use_is_reported_and_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_in(dir.path());
    let text = fail(&["--port", "0", "--data-dir", dir.path().to_str().unwrap()]);
    assert!(
        text.contains("another local server") && text.contains("--data-dir"),
        "{text}"
    );
    assert_eq!(server.create("acme"), Some(201));
}

#[test]
fn invalid_data_file_is_reported_and_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dynamodb.db");
    let content = "some other text\n".repeat(1000);
    fs::write(&path, &content).unwrap();
    let text = fail(&["--port", "0", "--data-dir", dir.path().to_str().unwrap()]);
    assert!(
        text.contains(&format!("{} is damaged", path.display())) && text.contains("move it away"),
        "{text}"
    );
    assert_eq!(fs::read_to_string(path).unwrap(), content);
}

#[test]
fn file_as_data_directory_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let text = fail(&["--port", "0", "--data-dir", file.to_str().unwrap()]);
    assert!(text.contains(file.to_str().unwrap()), "{text}");
}

#[test]
fn short_key_is_reported_and_not_shown() {
    for key in ["", "fifteen-bytes-1"] {
        let text = fail(&["--port", "0", "--in-memory", "--psk", key]);
        assert!(text.contains("--psk") && text.contains("16"), "{text}");
        assert!(key.is_empty() || !text.contains(key), "{text}");
    }
}

#[test]
fn empty_variable_counts_as_unset() {
    let mut command = command(&[
        "--in-memory",
        "--data-dir",
        tempfile::tempdir().unwrap().path().to_str().unwrap(),
    ]);
    for variable in [
        "PSK",
        "TENANT_CONFIG_TABLE",
        "PSK_PARAMETER_NAME",
        "ALLOWED_ORIGINS",
        "LOG_LEVEL",
        "AWS_REGION",
    ] {
        command.env(variable, "");
    }
    let server = Server::spawn(command);
    assert!(
        server
            .banner
            .contains("multi-tenant-logging-development-tenant-configs"),
        "{}",
        server.banner
    );
}

#[test]
fn unreachable_dynamodb_is_reported() {
    let endpoint = format!("http://{}", closed_port());
    let text = fail(&["--port", "0", "--dynamodb-endpoint", &endpoint]);
    assert!(
        text.contains(&endpoint) || text.contains("--dynamodb-endpoint"),
        "{text}"
    );
}

#[cfg(not(feature = "aws"))]
#[test]
fn aws_is_rejected_with_how_to_build_it() {
    let output = run_to_end(command(&["--aws", "--table", "t", "--psk-parameter", "/psk"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("cargo run --release --features aws")
    );
}

#[cfg(feature = "aws")]
#[test]
fn aws_without_credentials_or_table_is_reported() {
    let mut without_table = command(&["--aws"]);
    without_table.env("PSK", KEY);
    let output = run_to_end(without_table);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--table"));

    let home = tempfile::tempdir().unwrap();
    let mut command = command(&["--port", "0", "--aws", "--table", "t", "--psk-parameter", "/psk"]);
    command
        .env("HOME", home.path())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_PROFILE");
    let text = error_line(&run_to_end(command));
    assert!(text.contains("credentials"), "{text}");
}

#[test]
fn external_dynamodb_gets_the_table() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let endpoint = runtime.block_on(EmbeddedDynamoDb::start()).endpoint();

    let arguments = ["--dynamodb-endpoint", &endpoint, "--table", "configs"];
    let server = Server::start(&arguments);
    assert!(server.banner.contains(&endpoint), "{}", server.banner);
    assert_eq!(server.create("acme"), Some(201));
    server.kill();
    assert_eq!(Server::start(&arguments).tenants(), ["acme"]);
}

#[test]
fn request_in_flight_completes_before_the_process_ends() {
    let mut server = Server::start(&["--in-memory"]);
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST {LIST} HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: b\r\ncontent-length: 2\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"{").unwrap();
    thread::sleep(Duration::from_millis(100));
    let rest = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        stream.write_all(b"}").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Response::parse(&bytes)
    });
    let (status, time) = server.signal("INT");
    assert!(status.success());
    assert!(time < Duration::from_secs(1), "{time:?}");
    rest.join().unwrap().assert_gateway_response(403);
}

#[test]
fn incomplete_request_does_not_delay_the_end_of_the_process() {
    let mut server = Server::start(&["--in-memory"]);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .write_all(b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
        .unwrap();
    thread::sleep(Duration::from_millis(100));
    let (status, time) = server.signal("TERM");
    assert!(status.success());
    assert!(time < Duration::from_secs(1), "{time:?}");
}

#[test]
fn output_never_contains_the_key() {
    let mut verbose = command(&["--in-memory"]);
    verbose.env("PSK", KEY).env("LOG_LEVEL", "TRACE");
    let log = tempfile::NamedTempFile::new().unwrap();
    verbose.stderr(log.reopen().unwrap());
    let mut server = Server::spawn(verbose);
    assert_eq!(server.create("acme"), Some(201));
    assert_eq!(server.send("GET", LIST, "").status, 200);
    server.signal("INT");
    let log = fs::read_to_string(log.path()).unwrap();
    assert!(log.contains(r#""level":"INFO""#), "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert!(!line.contains(KEY), "{line}");
    }
    assert!(!server.banner.contains(KEY));
}
