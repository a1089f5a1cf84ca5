//! One POST: what subscribers and attackers do to it.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use notifier::http::{Limits, Resolve, Resolving, Response, SendError, Sender, SystemResolver};
use tenant_core::webhook::{Networks, WebhookUrl};

use crate::subscriber::{Reaction, Subscriber, ok, response};

const SHORT: Limits = Limits {
    connect: Duration::from_millis(300),
    whole: Duration::from_millis(600),
};

fn loopback() -> Networks {
    "127.0.0.0/8".parse().unwrap()
}

/// A URL as it could be stored, whatever today's rules say.
fn url(text: &str) -> WebhookUrl {
    WebhookUrl::parse(text, &"0.0.0.0/0,::/0".parse().unwrap()).unwrap()
}

async fn post(networks: Networks, text: &str) -> Result<Response, SendError> {
    let sender = Sender::with_resolver(networks, Arc::new(SystemResolver), SHORT);
    let headers = [("x-token".to_owned(), "secret".to_owned())];
    sender.post(&url(text), &headers, r#"{"a":1}"#.to_owned()).await
}

/// Returns the n-th list of addresses at the n-th question.
#[derive(Debug)]
struct Scripted(Mutex<Vec<Vec<IpAddr>>>);

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        Box::pin(async {
            let mut lists = self.0.lock().unwrap();
            if lists.is_empty() {
                Err(io::Error::other("no more"))
            } else {
                Ok(lists.remove(0))
            }
        })
    }
}

#[tokio::test]
async fn request_has_the_headers_the_path_and_the_body() {
    let subscriber = Subscriber::start(&[response(200, "retry-after: 7\r\n", "thanks")]).await;
    let received = post(loopback(), &subscriber.url()).await.unwrap();
    assert_eq!((received.status.as_u16(), &*received.beginning), (200, "thanks"));
    assert_eq!(received.retry_after, Some(Duration::from_secs(7)));
    let [request] = &subscriber.received()[..] else {
        panic!("one request")
    };
    assert!(request.head.starts_with("POST /hook?a=b HTTP/1.1"), "{}", request.head);
    assert_eq!(request.header("host"), Some(subscriber.address.to_string().as_str()));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(
        (request.header("x-token"), &*request.body),
        (Some("secret"), r#"{"a":1}"#)
    );
}

#[tokio::test]
async fn redirect_is_returned_and_not_followed() {
    let target = Subscriber::start(&[ok()]).await;
    let location = format!("location: {}\r\n", target.url());
    for status in [301, 302, 303, 307, 308] {
        let subscriber = Subscriber::start(&[response(status, &location, "")]).await;
        assert_eq!(
            post(loopback(), &subscriber.url()).await.unwrap().status.as_u16(),
            status
        );
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn slow_and_silent_subscribers_are_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_vec();
    for reaction in [
        Reaction::Hang,
        Reaction::Trickle(Vec::new(), head.clone(), Duration::from_millis(50)),
        Reaction::Trickle(head, vec![b'a'; 1000], Duration::from_millis(50)),
    ] {
        let subscriber = Subscriber::start(std::slice::from_ref(&reaction)).await;
        let started = Instant::now();
        let error = post(loopback(), &subscriber.url()).await.unwrap_err();
        assert!(matches!(error, SendError::TimedOut(_)), "{reaction:?}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn endless_response_is_read_as_far_as_it_is_of_interest() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = format!("2000\r\n{}\r\n", "a".repeat(0x2000)).into_bytes();
    let subscriber = Subscriber::start(&[Reaction::Flood(head, chunk)]).await;
    let received = post(loopback(), &subscriber.url()).await.unwrap();
    assert_eq!(received.beginning.len(), 1024);
}

#[tokio::test]
async fn endless_headers_and_what_is_not_http_are_errors() {
    for reaction in [
        Reaction::Flood(
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            format!("x-a: {}\r\n", "a".repeat(4000)).into_bytes(),
        ),
        Reaction::Send(b"220 smtp.example.com ESMTP\r\n".to_vec()),
        Reaction::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec()),
        Reaction::Close,
    ] {
        let subscriber = Subscriber::start(std::slice::from_ref(&reaction)).await;
        let error = post(loopback(), &subscriber.url()).await.unwrap_err();
        assert!(matches!(error, SendError::Broken(_)), "{reaction:?}: {error:?}");
    }
}

#[tokio::test]
async fn control_characters_of_a_response_are_not_kept() {
    let subscriber = Subscriber::start(&[response(500, "", "a\u{1b}[31mb\r\nc")]).await;
    assert_eq!(
        post(loopback(), &subscriber.url()).await.unwrap().beginning,
        "a [31mb \nc"
    );
}

#[tokio::test]
async fn no_form_of_an_address_reaches_what_is_not_public() {
    let subscriber = Subscriber::start(&[ok()]).await;
    let port = subscriber.address.port();
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "localhost",
    ] {
        for scheme in ["http", "https"] {
            let error = post(Networks::default(), &format!("{scheme}://{host}:{port}/"))
                .await
                .unwrap_err();
            assert!(matches!(error, SendError::Address(_)), "{scheme} {host}: {error:?}");
        }
    }
    assert_eq!(subscriber.connections(), 0);
    // Such forms are not even stored.
    for host in [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "0x7f.1",
    ] {
        assert!(
            WebhookUrl::parse(&format!("https://{host}:{port}/"), &loopback()).is_err(),
            "{host}"
        );
    }
}

#[tokio::test]
async fn name_that_points_elsewhere_later_is_checked_again_and_never_asked_twice_in_an_attempt() {
    let subscriber = Subscriber::start(&[ok()]).await;
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let url = url(&format!("http://rebinding.example:{}/", subscriber.address.port()));
    let lists = |lists: &[&[&str]]| {
        let lists = lists
            .iter()
            .map(|texts| texts.iter().map(|text| address(text)).collect());
        Arc::new(Scripted(Mutex::new(lists.collect())))
    };
    // Good at first, bad at the second attempt.
    let resolver = lists(&[&["127.0.0.1"], &["10.0.0.1"], &["127.0.0.1", "10.0.0.1"], &[]]);
    let sender = Sender::with_resolver(loopback(), resolver.clone(), SHORT);
    let post = async || sender.post(&url, &[], "{}".to_owned()).await;
    post().await.unwrap();
    assert_eq!(resolver.0.lock().unwrap().len(), 3, "one question in an attempt");
    for _ in 0..3 {
        assert!(matches!(post().await.unwrap_err(), SendError::Address(_)));
    }
    assert!(matches!(post().await.unwrap_err(), SendError::Unresolved(_)));
    assert_eq!(subscriber.connections(), 1);
}

#[tokio::test]
async fn plain_http_stays_in_the_allowed_networks() {
    let resolver = Arc::new(Scripted(Mutex::new(vec![vec!["1.1.1.1".parse().unwrap()]])));
    let sender = Sender::with_resolver(loopback(), resolver, SHORT);
    let error = sender
        .post(&url("http://public.example/"), &[], "{}".to_owned())
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::NotPublicForm), "{error:?}");
}

#[tokio::test]
async fn closed_port_is_reported() {
    let subscriber = Subscriber::start(&[ok()]).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_ne!(free, subscriber.address);
    let error = post(loopback(), &format!("http://{free}/")).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable(_)), "{error:?}");
}
