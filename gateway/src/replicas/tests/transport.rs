//! Passwords and certificates.

use super::*;

fn certificate(name: &str) -> String {
    format!("{}/src/upstream/tests/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate() {
    let (own, key, authority) =
        (certificate("server.pem"), certificate("server.key.pem"), certificate("authority.pem"));
    let tls = ["--tls-port", "PORT", "--tls-auth-clients", "no", "--tls-cert-file", &own, "--tls-key-file", &key];
    let options: Vec<&str> = tls.into_iter().chain(["--tls-ca-cert-file", authority.as_str()]).collect();
    let Some(redis) = RedisServer::start_as(false, &options) else { return };
    let url = format!("rediss://localhost:{}", redis.option("--tls-port"));
    let believed = format!("ca_file = \"{authority}\"\ntimeout = \"2s\"");
    let a = Replica::start_at(&url, 5.0, &believed).await;
    let b = Replica::start(&redis, 5.0, "").await;
    assert_eq!(a.set(40.0, a.epoch()).await.status, 200);
    until("the weight, heard without TLS", || b.weight() == 40.0).await;
    assert_eq!(b.set(41.0, a.epoch()).await.status, 200);
    until("the weight, heard by TLS", || a.weight() == 41.0).await;
    // Without the authority it is a stranger.
    let c = Replica::start_at(&url, 7.0, "timeout = \"2s\"").await;
    assert_eq!((c.weight(), c.metric("weighbridge_redis_up").await), (7.0, 0.0));
}

#[tokio::test]
async fn a_password_is_used_and_told_to_nobody() {
    let Some(redis) = RedisServer::start_as(false, &["--requirepass", "hunter2"]) else { return };
    let text = "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\n[providers.a]\nkind = \"openai\"\n\
        base_url = \"http://127.0.0.1:9/v1\"\napi_key_env = \"KEY\"\n[migrations.move]\nbaseline = \"a\"\n\
        candidate = \"a\"\nweight_percent = 5\nmodels = { a = \"b\" }\n[redis]\nurl_env = \"REDIS_URL\"\n";
    let start = async |url: String| {
        let config = Config::parse(text, Path::new("replica.toml"), &|name| match name {
            "REDIS_URL" => Some(url.clone()),
            _ => Some(TOKEN.to_owned()),
        });
        let running = crate::start(config.unwrap(), None).await.unwrap();
        Replica { running, client: client() }
    };
    let right = start(redis.url().replace("//", "//:hunter2@")).await;
    assert_eq!(right.metric("weighbridge_redis_up").await, 1.0);
    let wrong = start(redis.url().replace("//", "//:hunter3@")).await;
    assert_eq!(wrong.metric("weighbridge_redis_up").await, 0.0);
    let refused = wrong.set(50.0, wrong.epoch()).await;
    assert_eq!(refused.status, 503);
    assert!(!refused.body.to_string().contains("hunter"), "{}", refused.body);
}
