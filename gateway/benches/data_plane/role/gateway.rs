//! The gateway itself, run as the `weighbridge` command runs it: same allocator, same runtime, same log.

use crate::Trouble;
use crate::settings::Settings;
use serde_json::json;
use tracing_subscriber::EnvFilter;

pub(super) async fn run(settings: Settings) -> Result<(), Trouble> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("info"))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let running = gateway::start(settings.config()?, None).await?;
    super::answer(&json!({ "address": running.address, "admin": running.admin_address }));
    let mut questions = super::questions();
    while let Some(question) = questions.recv().await {
        super::answer(&match question.as_str() {
            "shadow" => json!(running.shadow_counts()),
            "stop" => break,
            _ => json!({ "error": "unknown question" }),
        });
    }
    let summary = running.shutdown().await;
    super::answer(&json!(summary));
    Ok(())
}
