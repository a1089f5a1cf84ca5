//! What was acknowledged is there after the next start, however the server ended.

use std::{
    fs,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use crate::process_harness::{KEY, Server, command, create, run_to_end};

#[test]
fn acknowledged_writes_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let acknowledged = Mutex::new(Vec::new());
    for round in 0..3 {
        let server = Server::start_in(dir.path());
        let address = server.address;
        thread::scope(|scope| {
            for writer in 0..4 {
                let acknowledged = &acknowledged;
                scope.spawn(move || {
                    for number in 0.. {
                        let tenant = format!("r{round}-w{writer}-n{number}");
                        match create(address, &tenant) {
                            Some(201) => acknowledged.lock().unwrap().push(tenant),
                            Some(status) => panic!("{tenant}: {status}"),
                            None => return,
                        }
                    }
                });
            }
            let began = Instant::now();
            let enough = (round + 1) * 25;
            while acknowledged.lock().unwrap().len() < enough && began.elapsed() < Duration::from_secs(30) {
                thread::sleep(Duration::from_millis(5));
            }
            server.kill();
        });
        assert!(
            acknowledged.lock().unwrap().len() >= (round + 1) * 25,
            "too few writes to prove anything"
        );
    }

    let there = Server::start_in(dir.path()).tenants();
    let acknowledged = acknowledged.into_inner().unwrap();
    let lost: Vec<_> = acknowledged.iter().filter(|tenant| !there.contains(tenant)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged writes are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
}

#[test]
fn clean_shutdown_keeps_the_data_in_one_file() {
    for signal in ["INT", "TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let mut server = Server::start_in(dir.path());
        assert_eq!(server.create("acme"), Some(201));
        assert!(server.signal(signal).0.success());
        assert!(dir.path().join("dynamodb.db").is_file());
        assert!(!dir.path().join("dynamodb.db-wal").exists(), "the file was closed");
        assert_eq!(Server::start_in(dir.path()).tenants(), ["acme"]);
    }
}

#[test]
fn each_stage_has_its_own_table() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_in(dir.path());
    assert_eq!(server.create("acme"), Some(201));
    server.kill();
    let staging = Server::start(&["--data-dir", dir.path().to_str().unwrap(), "--stage", "staging"]);
    assert_eq!(staging.tenants(), Vec::<String>::new());
}

#[test]
fn data_in_memory_is_lost_and_leaves_no_file() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, temporary) = (parent.path().join("data"), parent.path().join("temporary"));
    fs::create_dir(&temporary).unwrap();
    let start = || {
        let mut command = command(&["--in-memory", "--data-dir", dir.to_str().unwrap()]);
        command.env("PSK", KEY).env("TMPDIR", &temporary);
        Server::spawn(command)
    };
    let server = start();
    assert_eq!(server.create("acme"), Some(201));
    assert_eq!(server.tenants(), ["acme"]);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "nobody else can open it");
    server.kill();
    assert_eq!(start().tenants(), Vec::<String>::new());
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(!dir.exists());
}

#[test]
fn missing_folder_for_temporary_data_is_reported() {
    let mut command = command(&["--in-memory", "--port", "0"]);
    command.env("PSK", KEY).env("TMPDIR", "/nowhere");
    let output = run_to_end(command);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("/nowhere/") && text.contains("TMPDIR"), "{text}");
}
