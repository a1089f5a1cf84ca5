use super::*;

fn parse(text: &str) -> Result<WebhookUrl, Violation> {
    WebhookUrl::parse(text, &Networks::default())
}

#[test]
fn public_https_urls_are_accepted() {
    for (text, port, authority, target) in [
        ("https://example.com", 443, "example.com", "/"),
        (
            "https://Hooks.Example.com/a/b?c=d%20e",
            443,
            "Hooks.Example.com",
            "/a/b?c=d%20e",
        ),
        ("https://example.com?x=1", 443, "example.com", "/?x=1"),
        ("https://example.com.:8443/", 8443, "example.com.:8443", "/"),
        ("https://1.1.1.1/", 443, "1.1.1.1", "/"),
        (
            "https://[2606:4700::1111]:65535/x",
            65535,
            "[2606:4700::1111]:65535",
            "/x",
        ),
        ("https://xn--bcher-kva.example/", 443, "xn--bcher-kva.example", "/"),
    ] {
        let url = parse(text).unwrap_or_else(|violation| panic!("{text}: {violation}"));
        assert_eq!(
            (url.port(), url.authority(), &*url.target()),
            (port, authority, target),
            "{text}"
        );
    }
    assert_eq!(
        parse("https://Example.COM./").unwrap().host(),
        &Host::Name("example.com".to_owned())
    );
}

#[test]
fn urls_that_could_reach_what_is_not_public_are_rejected() {
    for text in [
        "http://example.com/",
        "HTTPS://example.com/",
        "ftp://example.com/",
        "//example.com",
        "example.com",
        "https:/example.com",
        "https://",
        "https:///path",
        "https://?x",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com/#fragment",
        "https://example.com\\@127.0.0.1/",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: x",
        "https://b\u{fc}cher.example/",
        "https://\u{ff11}.1.1.1/",
        "https://example.com:0/",
        "https://example.com:22/",
        "https://example.com:80/",
        "https://example.com:65536/",
        "https://example.com:+443/",
        "https://example.com:/",
        "https://example.com:1023/",
        "https://-a.com/",
        "https://a..com/",
        "https://_dmarc.example.com/",
        "https://a%2ecom/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.0x1/",
        "https://127.0.0.1./",
        "https://1.1.1.1./",
        "https://0/",
        "https://0x/",
        "https://169.254.169.254/",
        "https://169.254.170.2/",
        "https://10.0.0.1:8443/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/",
        "https://[1.1.1.1]/",
        "https://[::1/",
        "https://::1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
        "https://printer.local/",
        "https://db.internal/",
        "https://ip-10-0-0-1.ec2.internal/",
        "https://intranet/",
        "https://a.test/",
        "https://router.home.arpa/",
        "",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert_eq!(
        parse(&format!("https://example.com/{}", "a".repeat(2029)))
            .unwrap_err()
            .code,
        ErrorCode::TooLong
    );
}

#[test]
fn allowed_networks_need_no_tls_and_no_public_address() {
    let allowed: Networks = "127.0.0.0/8".parse().unwrap();
    for text in [
        "http://127.0.0.1:3000/",
        "https://127.0.0.1/",
        "http://127.0.0.1/",
        "http://localhost:3000/",
    ] {
        assert!(WebhookUrl::parse(text, &allowed).is_ok(), "{text}");
    }
    for text in [
        "http://10.0.0.1:3000/",
        "http://1.1.1.1/",
        "https://10.0.0.1/",
        "http://user@127.0.0.1/",
        "http://127.1/",
    ] {
        assert!(WebhookUrl::parse(text, &allowed).is_err(), "{text}");
    }
}
