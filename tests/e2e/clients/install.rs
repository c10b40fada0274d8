//! The clients from their registries, once for all tests, into the target folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

const PYTHON: &str = "openai==3.54.0";
/// The second is what the client's own schema helpers are made for.
const NODE: [&str; 2] = ["openai@6.49.0", "zod@4.6.7"];

/// One of the two languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Python,
    Node,
}

impl Client {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    /// A command that is ready to run a script of this language, or why there is none.
    pub(crate) fn command(self) -> Result<Command, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.folder());
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        // Test processes run side by side: the first one installs, the others wait.
        let lock = File::create(folder.with_extension("lock")).map_err(|error| error.to_string())?;
        lock.lock().map_err(|error| error.to_string())?;
        match self {
            Self::Python => python(&folder),
            Self::Node => node(&folder),
        }
    }

    /// Folder of the installation; another version is another folder. No dots, so that the lock's name is its own.
    fn folder(self) -> String {
        match self {
            Self::Python => format!("client-python-{PYTHON}"),
            Self::Node => format!("client-node-{}", NODE.join("-")),
        }
        .replace(|character: char| !character.is_ascii_alphanumeric(), "-")
    }
}

fn python(folder: &Path) -> Result<Command, String> {
    let program = folder.join("bin/python");
    if step(Command::new(&program).args(["-c", "import importlib.metadata as m; m.version('openai')"])).is_err() {
        step(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        step(Command::new(&program).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYTHON]))?;
    }
    let mut command = Command::new(program);
    command.arg(script("python/run.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

fn node(folder: &Path) -> Result<Command, String> {
    let modules = folder.join("node_modules");
    let node = || {
        let mut command = Command::new("node");
        command.env("NODE_PATH", &modules);
        command
    };
    if step(node().args(["-e", "require.resolve('openai/helpers/zod')"])).is_err() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error", "--prefix"])
            .arg(folder)
            .args(NODE);
        step(&mut npm)?;
    }
    let mut command = node();
    command.arg(script("node/run.cjs"));
    Ok(command)
}

fn script(name: &str) -> PathBuf {
    crate::command::root().join("tests/e2e/clients").join(name)
}

fn step(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no reason given").to_owned();
            Err(format!("{program}: {words}"))
        }
        Err(error) => Err(format!("{program}: {error}")),
    }
}
