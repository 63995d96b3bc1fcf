//! TLS: the real process, and clients that check its certificate.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use http::Method;
use qwetty_tests::{Call, Certificate, Client, Launch, Raw, Server, eventually, in_time, tool};
use serde_json::json;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const HTTP1: &str = "http/1.1";
const HTTP2: &str = "h2";

async fn server(certificate: &Certificate) -> Server {
    Launch::serve().tls(certificate).start().await
}

/// A client that trusts these certificates alone.
fn trusting(server: &Server, certificates: &[&Certificate]) -> Client {
    Client::new(server.address()).over(&Certificate::connector(certificates, &[HTTP1]))
}

async fn is_trusted(server: &Server, certificate: &Certificate) -> bool {
    trusting(server, &[certificate]).try_send(health()).await.is_ok()
}

fn health() -> Call {
    Call::new(Method::GET, "/healthz")
}

async fn connection(server: &Server, certificate: &Certificate, protocol: &str) -> TlsStream<TcpStream> {
    let connector = Certificate::connector(&[certificate], &[protocol]);
    let stream = TcpStream::connect(server.address()).await.unwrap();
    in_time("a handshake", connector.connect(server.address().ip().into(), stream)).await.unwrap()
}

fn curl(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new("curl")
        .current_dir(server.launch().directory())
        .args(["-sS", "--cacert", Certificate::FILE, "-w", " %{http_version}", "--max-time", "20"])
        .args(arguments)
        .arg(format!("https://{}/healthz", server.address()))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[tokio::test]
async fn both_protocols_are_spoken_over_both_versions_and_older_ones_over_none() {
    if !tool("curl") {
        return;
    }
    let server = server(&Certificate::new()).await;
    for version in [&["--tlsv1.2", "--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        for (protocol, spoken) in [("--http1.1", "1.1"), ("--http2", "2")] {
            let (code, output) = curl(&server, &[version, &[protocol]].concat());
            assert_eq!(code, Some(0), "{version:?} {protocol}: {output}");
            assert_eq!(
                output,
                format!("{{\"data\":{{\"status\":\"ok\"}}}} {spoken}"),
                "{version:?} {protocol}"
            );
        }
    }
    let (code, output) =
        curl(&server, &["--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0"]);
    assert_ne!(code, Some(0), "{output}");
}

#[tokio::test]
async fn a_protocol_that_is_none_of_both_is_refused_in_the_handshake() {
    let certificate = Certificate::new();
    let server = server(&certificate).await;
    for (offered, chosen) in [(&[HTTP1, HTTP2][..], Some(HTTP2)), (&[HTTP1], Some(HTTP1)), (&[], None)] {
        let connector = Certificate::connector(&[&certificate], offered);
        let stream = TcpStream::connect(server.address()).await.unwrap();
        let stream = connector.connect(server.address().ip().into(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen.map(str::as_bytes), "{offered:?}");
    }
    let connector = Certificate::connector(&[&certificate], &["acme-tls/1"]);
    let stream = TcpStream::connect(server.address()).await.unwrap();
    assert!(connector.connect(server.address().ip().into(), stream).await.is_err());
}

#[tokio::test]
async fn everything_is_as_without_tls() {
    let certificate = Certificate::new();
    let server = Launch::serve().tls(&certificate).with(["--trusted-proxy", "127.0.0.1"]).start().await;
    let key = server.root().create(json!({"ipWhitelist": ["203.0.113.7"]})).await;
    let mut gateway = server.client(&key.value);
    let ask = |address: &str| {
        Call::new(Method::GET, "/api/v1/authorize")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/api/v1/chats")
            .header("x-forwarded-for", address)
    };
    gateway.send(ask("203.0.113.7")).await.expect(200);
    gateway.send(ask("203.0.113.8")).await.problem(403, "ip_not_allowed");
    server.root().act(&key.path("/revoke")).await.expect(200);
    gateway.send(ask("203.0.113.7")).await.problem(401, "invalid_api_key");
    // What is answered without the service has its form here, too.
    let mut rubbish = connection(&server, &certificate, HTTP1).await;
    rubbish.write_all(b"rubbish\r\n\r\n").await.unwrap();
    let mut refusal = String::new();
    in_time("a refusal", rubbish.read_to_string(&mut refusal)).await.unwrap();
    assert!(
        refusal.starts_with("HTTP/1.1 400 ") && refusal.contains("application/problem+json"),
        "{refusal}"
    );
}

#[tokio::test]
async fn the_console_knows_that_it_is_reached_over_tls() {
    let sign_in = Call::new(Method::GET, "/settings/sign-in");
    let cookie = |server: Server, call: Call| async move {
        let answer = server.anyone().send(call).await.expect(200);
        answer.header("set-cookie").expect("a cookie").to_owned()
    };
    let secure = cookie(server(&Certificate::new()).await, sign_in.clone()).await;
    assert!(secure.starts_with("__Secure-") && secure.contains("; Secure"), "{secure}");
    let plain = cookie(Server::start().await, sign_in).await;
    assert!(!plain.contains("Secure"), "{plain}");
}

#[tokio::test]
async fn certificate_and_key_are_exchanged_under_load_and_no_connection_is_lost() {
    let [before, after] = [(); 2].map(|()| Certificate::new());
    let server = Arc::new(server(&before).await);
    let mut open = server.root();
    let key = open.create(json!({})).await;
    let mut half = connection(&server, &before, HTTP1).await;
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();

    let (is_over, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (server, is_over, answers) =
                (Arc::clone(&server), Arc::clone(&is_over), Arc::clone(&answers));
            let connector = Certificate::connector(&[&before, &after], &[HTTP1]);
            tokio::spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    let mut client = Client::new(server.address()).over(&connector);
                    client.send(health()).await.expect(200);
                    client.send(health()).await.expect(200);
                    answers.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let more = async || {
        let before = answers.load(Ordering::SeqCst);
        eventually("answers", async || (answers.load(Ordering::SeqCst) > before + 8).then_some(())).await;
    };

    more().await;
    after.write(server.launch().directory());
    server.hang_up();
    eventually("the new certificate", async || is_trusted(&server, &after).await.then_some(())).await;
    assert!(!is_trusted(&server, &before).await);
    more().await;

    // A key that is not the certificate's changes nothing.
    std::fs::write(server.launch().directory().join(Certificate::KEY_FILE), &before.key).unwrap();
    server.hang_up();
    eventually("the failure in the log", async || {
        server.launch().log().contains("does not belong").then_some(())
    })
    .await;
    assert!(server.launch().log().contains(" ERROR "), "{}", server.launch().log());
    assert!(is_trusted(&server, &after).await);
    more().await;

    // Nor does its absence.
    std::fs::remove_file(server.launch().directory().join(Certificate::FILE)).unwrap();
    server.hang_up();
    eventually("the failure in the log", async || {
        server.launch().log().contains("cannot read the TLS").then_some(())
    })
    .await;
    assert!(is_trusted(&server, &after).await);

    // Nor does a FIFO in its place, which nobody writes to; and the next renewal is taken.
    fifo(&server.launch().directory().join(Certificate::FILE));
    server.hang_up();
    eventually("the failure in the log", async || {
        server.launch().log().contains("no regular file").then_some(())
    })
    .await;
    assert!(is_trusted(&server, &after).await);
    std::fs::remove_file(server.launch().directory().join(Certificate::FILE)).unwrap();
    before.write(server.launch().directory());
    server.hang_up();
    eventually("the renewed certificate", async || is_trusted(&server, &before).await.then_some(())).await;

    is_over.store(true, Ordering::SeqCst);
    for task in load {
        task.await.unwrap();
    }
    assert_eq!(open.code(&key.value).await, "valid");
    half.write_all(b"\r\n").await.unwrap();
    let mut status = [0; 15];
    in_time("an answer", half.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200 OK");
    drop((open, half));
    Arc::into_inner(server).unwrap().stop().await;
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test]
async fn a_fifo_or_a_folder_in_place_of_a_file_is_refused_and_not_waited_for() {
    for (name, fix) in [(Certificate::FILE, "--tls-cert"), (Certificate::KEY_FILE, "--tls-key")] {
        for make in [fifo, |path: &Path| std::fs::create_dir(path).unwrap()] {
            let launch = Launch::serve().tls(&Certificate::new());
            let path = launch.directory().join(name);
            std::fs::remove_file(&path).unwrap();
            make(&path);
            let ended = launch.run().await;
            assert_eq!(ended.code, Some(1), "{}", ended.log);
            for part in [name, fix, "no regular file"] {
                assert!(ended.log.contains(part), "{part}: {}", ended.log);
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_named_and_starts_nothing() {
    let [own, other] = [(); 2].map(|()| Certificate::new());
    let text = "no PEM at all\n".to_owned();
    let broken = own.key.replace("PRIVATE KEY-----\nM", "PRIVATE KEY-----\nMA");
    let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    let cut = own.pem[..own.pem.len() / 2].to_owned();
    let encrypted = own.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let (cert, key) = (Certificate::FILE, Certificate::KEY_FILE);
    for (certificate, private, named, fix) in [
        (None, Some(&own.key), cert, "--tls-cert"),
        (Some(&own.pem), None, key, "--tls-key"),
        (Some(&String::new()), Some(&own.key), cert, "BEGIN CERTIFICATE"),
        (Some(&own.pem), Some(&String::new()), key, "BEGIN PRIVATE KEY"),
        (Some(&text), Some(&own.key), cert, "BEGIN CERTIFICATE"),
        (Some(&own.pem), Some(&text), key, "BEGIN PRIVATE KEY"),
        (Some(&own.key), Some(&own.pem), cert, "--tls-cert"),
        (Some(&cut), Some(&own.key), cert, "no end"),
        (Some(&rubbish), Some(&own.key), cert, "X.509"),
        (Some(&own.pem), Some(&broken), key, "--tls-key"),
        (Some(&own.pem), Some(&encrypted), key, "not encrypted"),
        (Some(&own.pem), Some(&other.key), key, "does not belong to the first certificate"),
    ] {
        let launch = Launch::serve().tls(&own);
        for (name, content) in [(cert, certificate), (key, private)] {
            let path = launch.directory().join(name);
            match content {
                Some(content) => std::fs::write(path, content).unwrap(),
                None => std::fs::remove_file(path).unwrap(),
            }
        }
        let ended = launch.run().await;
        assert_eq!(ended.code, Some(1), "{}", ended.log);
        assert!(ended.log.contains(named) && ended.log.contains(fix), "{named} and {fix}: {}", ended.log);
        assert!(own.key.lines().skip(1).all(|line| line.starts_with('-') || !ended.log.contains(line)));
        assert!(ended.printed.is_empty() && !launch.database().exists());
    }
    for (option, missing) in [("--tls-cert", "--tls-key"), ("--tls-key", "--tls-cert")] {
        let launch = Launch::serve().with([option, "some.pem"]);
        let ended = launch.run().await;
        assert_eq!(ended.code, Some(2), "{}", ended.log);
        assert!(ended.log.contains(missing) && !launch.database().exists(), "{}", ended.log);
    }
}

#[tokio::test]
async fn a_key_that_everybody_can_read_is_warned_of() {
    let warned = async |mode| {
        let launch = Launch::serve().tls(&Certificate::new());
        let key = launch.directory().join(Certificate::KEY_FILE);
        std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
        let log = launch.start().await.stop().await.log;
        log.contains("WARN") && log.contains("can read the TLS key key.pem") && log.contains("chmod")
    };
    assert!(warned(0o644).await);
    assert!(!warned(0o640).await);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a certificate is valid by the real clock")]
async fn a_certificate_that_clients_will_not_take_is_warned_of() {
    let now = OffsetDateTime::now_utc();
    let valid = |from: i64, to: i64| {
        Certificate::valid(now + time::Duration::hours(from), now + time::Duration::hours(to))
    };
    let good = valid(-1, 8 * 24);
    let server = server(&good).await;
    let log = || server.launch().log();
    assert!(!log().contains("WARN"), "{}", log());
    for (certificate, told) in [
        (valid(-2, -1), "certificate 1 in cert.pem expired at "),
        (valid(1, 2), "certificate 1 in cert.pem is valid from "),
        (valid(-1, 6 * 24), "certificate 1 in cert.pem expires soon, at "),
    ] {
        assert!(!log().contains(told), "{}", log());
        certificate.write(server.launch().directory());
        server.hang_up();
        eventually("the warning in the log", async || log().contains(told).then_some(())).await;
        let log = self::server(&certificate).await.stop().await.log;
        assert!(log.lines().any(|line| line.contains("WARN") && line.contains(told)), "{log}");
    }
    // One that it comes with is warned of, too.
    let mut chain = valid(-1, 8 * 24);
    chain.pem.push_str(&valid(-2, -1).pem);
    let log = self::server(&chain).await.stop().await.log;
    assert!(log.contains("certificate 2 in cert.pem expired at ") && !log.contains("certificate 1"), "{log}");
}

#[tokio::test]
async fn to_listen_beyond_this_machine_without_tls_is_warned_of() {
    let warned = async |launch: Launch| {
        let log = launch.start().await.stop().await.log;
        log.contains("WARN")
            && log.contains("without TLS")
            && log.contains("--tls-cert")
            && log.contains("proxy")
    };
    let everywhere = || Launch::serve().with(["--listen", "0.0.0.0:0"]);
    assert!(warned(everywhere()).await);
    assert!(!warned(everywhere().tls(&Certificate::new())).await);
    assert!(!warned(Launch::serve()).await);
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_closed_and_keeps_nobody_waiting() {
    let certificate = Certificate::new();
    let server = Launch::serve().tls(&certificate).env("QWETTY_LOG", "debug").start().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(server.raw().await);
    }
    for bytes in [
        &b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"\x16\x03\x01\xff\xff",
        b"\x80\x2e\x01\0\x02",
        &[0; 4096],
        &[0xff; 4096],
    ] {
        let mut raw: Raw = server.raw().await;
        raw.send(bytes).await;
        raw.ended().await;
    }
    assert!(is_trusted(&server, &certificate).await);
    let key = server.root().create(json!({})).await;
    assert_eq!(server.root().code(&key.value).await, "valid");
    server.stop().await;
}

#[tokio::test]
async fn the_files_may_be_anywhere_and_be_one() {
    let certificate = Certificate::new();
    let launch = Launch::serve().tls(&certificate);
    let both = launch.directory().join("both.pem");
    std::fs::write(&both, format!("{}{}", certificate.key, certificate.pem)).unwrap();
    let both: &Path = &both;
    let both = both.to_str().unwrap();
    let server = launch.with(["--tls-cert", both, "--tls-key", both]).start().await;
    assert!(is_trusted(&server, &certificate).await);
}
