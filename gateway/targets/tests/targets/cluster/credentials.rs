//! Who we are to a cluster, and whom we believe.

use super::objects::http_route;
use super::{kubeconfig, options};
use crate::fake::Fake;
use base64::Engine as _;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use targets::{Environment, Options, Target, TargetError, Write};

const AUTHORITY: &str = include_str!("../certificates/authority.pem");
const CLIENT: [&str; 2] = [include_str!("../certificates/client.pem"), include_str!("../certificates/client.key.pem")];
const ADDRESS: &str = "httproute://shop/chat";

/// A server with a certificate of the test authority; with `ask`, it wants one of the client's.
fn server(ask: bool) -> Fake {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(AUTHORITY.as_bytes()).unwrap()).unwrap();
    let builder = if ask {
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../certificates/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../certificates/server.key.pem")).unwrap();
    let mut memory = http_route();
    Fake::start_tls(builder.with_single_cert(vec![certificate], key).unwrap(), move |request| memory.answer(request))
}

fn packed(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A kubeconfig in a folder, and the folder.
fn folder(text: &str) -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, text).unwrap();
    (folder, options(&path, Write::Apply))
}

async fn read(options: &Options) -> Result<f64, TargetError> {
    Ok(Target::parse(ADDRESS, options)?.read().await?.in_force.weight_percent)
}

#[tokio::test]
async fn a_server_is_believed_by_its_authority_only() {
    let fake = server(false);
    let believed = format!("https://{}\n    certificate-authority-data: {}", fake.address, packed(AUTHORITY));
    let (_folder, options) = folder(&kubeconfig(&believed, "token: let-me-in"));
    assert_eq!(read(&options).await.unwrap(), 5.0);
    assert_eq!(fake.seen()[0].header("authorization"), Some("Bearer let-me-in"));
    // The system's authorities know nothing of the test's.
    let (_folder, options) = folder(&kubeconfig(&format!("https://{}", fake.address), "token: let-me-in"));
    let error = read(&options).await.unwrap_err();
    assert!(matches!(&error, TargetError::World(why) if why.contains("certificate")), "{error:?}");
    assert_eq!(fake.seen().len(), 1, "no token was shown to it");
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let fake = server(true);
    let cluster = format!("https://localhost:{}\n    certificate-authority: ca.pem", fake.address.port());
    let user = format!("client-certificate: client.pem\n    client-key-data: {}", packed(CLIENT[1]));
    let (folder, options) = folder(&kubeconfig(&cluster, &user));
    std::fs::write(folder.path().join("ca.pem"), AUTHORITY).unwrap();
    std::fs::write(folder.path().join("client.pem"), CLIENT[0]).unwrap();
    assert_eq!(read(&options).await.unwrap(), 5.0);
    assert_eq!(fake.seen()[0].header("authorization"), None);
    let debug = format!("{:?}", Target::parse(ADDRESS, &options).unwrap());
    assert!(!debug.contains("PRIVATE") && !debug.contains(CLIENT[1].lines().nth(1).unwrap()), "{debug}");
}

#[tokio::test]
async fn in_a_pod_the_service_account_is_used_and_its_token_read_anew() {
    let fake = server(false);
    let account = tempfile::tempdir().unwrap();
    let keep = |name: &str, text: &str| std::fs::write(account.path().join(name), text).unwrap();
    keep("ca.crt", AUTHORITY);
    let environment = Environment::default()
        .with("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .with("KUBERNETES_SERVICE_PORT", &fake.address.port().to_string());
    let options = Options {
        kubeconfig: None,
        environment,
        service_account: account.path().to_owned(),
        ..options(Path::new(""), Write::Apply)
    };
    let error = Target::parse(ADDRESS, &options).unwrap_err().to_string();
    assert!(error.contains("automountServiceAccountToken"), "{error}");
    keep("token", "one\n");
    let target = Target::parse(ADDRESS, &options).unwrap();
    target.read().await.unwrap();
    keep("token", "two\n");
    target.read().await.unwrap();
    let shown: Vec<_> = fake.seen().iter().map(|request| request.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(shown, ["Bearer one", "Bearer two"]);
    keep("token", "t\u{7}o");
    let error = target.read().await.unwrap_err().to_string();
    assert!(error.contains("no header may carry") && !error.contains("t\u{7}o"), "{error}");
}

#[tokio::test]
async fn several_files_are_one_and_the_first_counts() {
    let fake = server(false);
    let believed = format!("https://{}\n    certificate-authority-data: {}", fake.address, packed(AUTHORITY));
    let (one, mut options) = folder("current-context: main\nusers:\n- name: gate\n  user:\n    token: first\n");
    std::fs::write(one.path().join("second"), kubeconfig(&believed, "token: second")).unwrap();
    let files = [one.path().join("config"), one.path().join("missing"), one.path().join("second")];
    let paths = std::env::join_paths(files).unwrap();
    options.environment = Environment::default().with("KUBECONFIG", paths.to_str().unwrap());
    options.kubeconfig = None;
    assert_eq!(read(&options).await.unwrap(), 5.0);
    assert_eq!(fake.seen()[0].header("authorization"), Some("Bearer first"));
    options.environment = Environment::default().with("KUBECONFIG", "/nowhere/config");
    assert!(Target::parse(ADDRESS, &options).unwrap_err().to_string().contains("no file that exists"));
    options.environment = Environment::default().with("HOME", "/nowhere");
    assert!(Target::parse(ADDRESS, &options).unwrap_err().to_string().contains("--kubeconfig"));
}

#[test]
fn what_makes_the_gate_less_safe_is_refused_with_what_to_do() {
    let near = "http://127.0.0.1:1";
    let cases: [(String, &str); 13] = [
        (kubeconfig(near, "exec: {command: aws, args: [secret-word]}"), "tokenFile"),
        (kubeconfig(near, "auth-provider: {name: oidc}"), "tokenFile"),
        (kubeconfig(near, "username: gate\n    password: secret-word"), "use a token"),
        (kubeconfig(near, "client-key-data: c2VjcmV0LXdvcmQ="), "together"),
        (kubeconfig(near, "client-key-data: secret-word!"), "config:14:22: expected base64"),
        (kubeconfig("http://10.0.0.1:8080", "token: secret-word"), "expected https"),
        (kubeconfig("https://a\n    insecure-skip-tls-verify: true", "token: secret-word"), "certificate-authority"),
        (kubeconfig("https://a\n    tls-server-name: b", "token: secret-word"), "tls-server-name"),
        (kubeconfig("https://a\n    certificate-authority-data: c2VjcmV0", "token: secret-word"), "expected PEM"),
        (kubeconfig("https://gate:secret-word@a", "token: a"), "user name or password"),
        (kubeconfig(near, "token: secret-word").replace("user: gate", "user: other"), "no user `other`"),
        (kubeconfig(near, "token: secret-word").replace("current-context: main", "a: b"), "current-context"),
        ("a: [secret-word\n".to_owned(), "config:"),
    ];
    for (text, word) in cases {
        let (_folder, options) = folder(&text);
        let error = Target::parse(ADDRESS, &options).unwrap_err();
        assert!(matches!(&error, TargetError::Usage(why) if why.contains(word)), "{text}\n{error:?}");
        assert!(!error.to_string().contains("secret-word"), "{error}");
    }
}

#[test]
fn no_token_is_in_debug() {
    let (_folder, options) = folder(&kubeconfig("http://127.0.0.1:1", "token: let-me-in"));
    let target = Target::parse(ADDRESS, &options).unwrap();
    assert!(!format!("{target:?} {options:?}").contains("let-me-in"));
}

#[test]
fn addresses_say_what_is_expected() {
    let (_folder, options) = folder(&kubeconfig("http://127.0.0.1:1", "token: let-me-in"));
    for address in [
        "httproute://",
        "httproute://chat",
        "httproute://shop/",
        "httproute:///chat",
        "httproute://shop/Chat",
        "httproute://shop/chat/one",
        "httproute://shop/chat/0/0",
        "ingress://shop/chat/0",
        "httproute://shop/../x",
    ] {
        let error = Target::parse(address, &options).unwrap_err().to_string();
        assert!(error.contains("expected") || error.contains("no number"), "{address}: {error}");
    }
    let unnamed = Options { candidate: None, ..options };
    assert!(Target::parse(ADDRESS, &unnamed).unwrap_err().to_string().contains("--candidate"));
}
