//! GitHub Actions and GitLab CI: the steps' own scripts are run, with a `weighbridge` that ends as it is told to.

use crate::yaml;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A folder for a job, with a program in its path that ends with a code.
struct Runner {
    folder: TempDir,
}

struct Ran {
    code: i32,
    out: String,
}

impl Runner {
    fn new(code: i32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("weighbridge");
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\" >> {0}/called\nif [ \"$1\" = evaluate ]; then echo '# Summary' > summary.md; fi\n\
             echo told\nexit {code}\n",
            folder.path().display()
        );
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs a script as the CI system's shell does.
    fn run(&self, shell: &[&str], script: &str) -> Ran {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let script_file = self.path("script");
        std::fs::write(&script_file, script).unwrap();
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .arg(&script_file)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", path)
            .env("TMPDIR", self.folder.path())
            .env("GITHUB_STEP_SUMMARY", self.path("step-summary"))
            .env("GITHUB_OUTPUT", self.path("step-output"))
            .envs([("GATEWAY_URL", "http://gateway:8081"), ("RECORDS", "records"), ("SIGNING_KEY", "not a key")])
            .envs([
                ("AUDIT", "audit.ndjson"),
                ("WEIGHBRIDGE_RECORDS", "records"),
                ("WEIGHBRIDGE_AUDIT", "audit.ndjson"),
            ])
            .envs([("WEIGHBRIDGE_SIGNING_KEY", "key.pem"), ("WEIGHBRIDGE_URL", "http://gateway:8081")])
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        Ran { code: output.status.code().unwrap(), out }
    }
}

/// How GitHub runs `shell: bash`.
const BASH: [&str; 5] = ["bash", "--noprofile", "--norc", "-eo", "pipefail"];
/// How a GitLab runner does.
const SH: [&str; 2] = ["bash", "-e"];

fn github() -> Value {
    let [workflow] = <[Value; 1]>::try_from(yaml::documents("github.yml")).unwrap();
    workflow
}

fn github_script(job: &str, step: &str) -> String {
    let workflow = github();
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap().clone();
    let step = steps.iter().find(|one| one["name"] == step).unwrap();
    assert_eq!(step["shell"], "bash");
    step["run"].as_str().unwrap().to_owned()
}

#[test]
fn github_takes_every_exit_code_for_what_it_is() {
    let script = github_script("evaluate", "Evaluate");
    for (code, verdict, ends, said) in [
        (0, "go", 0, ""),
        (1, "no-go", 1, "::error title=NO-GO::"),
        (3, "hold", 0, "::notice title=HOLD::"),
        (2, "none", 2, "::error title=no verdict::"),
        (4, "none", 4, "::error title=no verdict::"),
        (5, "none", 5, "::error title=no verdict::"),
    ] {
        let runner = Runner::new(code);
        let ran = runner.run(&BASH, &script);
        assert_eq!(ran.code, ends, "{code}: {}", ran.out);
        assert!(ran.out.contains(said), "{code}: {}", ran.out);
        assert_eq!(runner.text("step-output"), format!("verdict={verdict}\n"));
        assert_eq!(runner.text("step-summary"), "# Summary\n", "also of a verdict that ends the run");
        let left: Vec<_> =
            std::fs::read_dir(runner.folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("tmp.")), "the key is left: {left:?}");
    }
}

#[test]
fn github_raises_only_after_a_go_and_behind_an_environment() {
    let workflow = github();
    let gate = &workflow["jobs"]["gate"];
    assert_eq!((&gate["environment"], &gate["needs"]), (&"production".into(), &"evaluate".into()));
    assert_eq!(gate["if"], "${{ needs.evaluate.outputs.verdict == 'go' }}");
    assert_eq!(workflow["jobs"]["evaluate"]["outputs"]["verdict"], "${{ steps.evaluate.outputs.verdict }}");
    let script = github_script("gate", "Gate");
    for (code, ends) in [(0, 0), (3, 0), (1, 1), (2, 2), (4, 4), (5, 5)] {
        let runner = Runner::new(code);
        let ran = runner.run(&BASH, &script);
        assert_eq!(ran.code, ends, "{}", ran.out);
        assert_eq!(ran.out.contains("::notice title=left alone::"), code == 3);
        assert_eq!(runner.text("step-summary"), "```\ntold\n```\n");
        assert!(
            runner.text("called").ends_with(" --apply\n") && runner.text("called").starts_with("gate verdict.json ")
        );
    }
}

#[test]
fn what_github_fetches_is_pinned_and_may_only_read() {
    let workflow = github();
    assert_eq!(workflow["permissions"], serde_json::json!({"contents": "read"}));
    let text = yaml::read("github.yml");
    let used: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("- uses: ")).collect();
    assert_eq!(used.len(), 4);
    for action in used {
        let (_, pin) = action.split_once('@').unwrap();
        let (digest, version) = pin.split_once(" # v").unwrap_or_else(|| panic!("{action}: no version in words"));
        assert!(digest.len() == 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{action}");
        assert!(version.split('.').count() == 3, "{action}");
    }
    // Nothing that others write gets into a script but by way of variables.
    for job in workflow["jobs"].as_object().unwrap().values() {
        for step in job["steps"].as_array().unwrap() {
            assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{step}");
        }
    }
}

/// What GitLab makes of a job's exit code.
fn gitlab_ends(job: &Value, code: i32) -> &'static str {
    let allowed = &job["allow_failure"];
    let is_allowed = *allowed == Value::Bool(true)
        || allowed["exit_codes"].as_array().is_some_and(|codes| codes.contains(&code.into()));
    match (code, is_allowed) {
        (0, _) => "passed",
        (_, true) => "warning",
        (_, false) => "failed",
    }
}

#[test]
fn gitlab_warns_of_a_hold_and_fails_for_everything_else() {
    let [pipeline] = <[Value; 1]>::try_from(yaml::documents("gitlab.yml")).unwrap();
    let job = &pipeline["evaluate"];
    for (code, expected) in [(0, "passed"), (1, "failed"), (2, "failed"), (3, "warning"), (4, "failed"), (5, "failed")]
    {
        let runner = Runner::new(code);
        let script: Vec<&str> = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let ran = runner.run(&SH, &script.join("\n"));
        assert_eq!(gitlab_ends(job, ran.code), expected, "{code}: {}", ran.out);
    }
    let artifacts = &job["artifacts"];
    assert_eq!((&artifacts["when"], &artifacts["reports"]["junit"]), (&"always".into(), &"junit.xml".into()));
}

#[test]
fn gitlab_raises_by_hand_alone() {
    let [pipeline] = <[Value; 1]>::try_from(yaml::documents("gitlab.yml")).unwrap();
    let stages: Vec<&str> =
        pipeline["stages"].as_array().unwrap().iter().map(|stage| stage.as_str().unwrap()).collect();
    assert_eq!(stages, ["evaluate", "gate"]);
    let job = &pipeline["gate"];
    for rule in job["rules"].as_array().unwrap() {
        assert_eq!(rule["when"], "manual");
    }
    assert_eq!(job["environment"]["name"], "production");
    let runner = Runner::new(3);
    let ran = runner.run(&SH, job["script"][0].as_str().unwrap());
    assert_eq!(ran.code, 3, "a weight that was left alone is seen: {}", ran.out);
    assert!(runner.text("called").ends_with(" --apply\n"));
}

/// Files that both jobs hand on are written by the first.
#[test]
fn what_is_handed_on_is_written() {
    for (file, job) in [("github.yml", "github"), ("gitlab.yml", "gitlab")] {
        let text = yaml::read(file);
        let command = text.lines().find(|line| line.contains("weighbridge evaluate \"")).unwrap();
        for option in ["--out verdict.json", "--summary summary.md", "--junit junit.xml", "--report report"] {
            assert!(command.contains(option), "{job}: {option}");
        }
        assert!(text.contains("weighbridge gate verdict.json"), "{job}");
    }
}
