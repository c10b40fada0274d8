//! What the documents say is what is there.

use crate::command::root;

pub(crate) fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// Lines of the first `sh` block under a heading.
pub(crate) fn commands(readme: &str, heading: &str) -> Vec<String> {
    let section = readme.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
    let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a sh block");
    block
        .lines()
        .map(|line| line.split(" #").next().unwrap().trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn the_readme_has_exactly_two_set_up_commands_and_ci_runs_both() {
    let readme = readme();
    let commands = commands(&readme, "Set up");
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert_eq!(commands[0], "cargo run --release -- demo");
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    for command in &commands {
        assert!(ci.contains(command), "{command} is not in .ci/run");
    }
}

#[test]
fn files_that_the_readme_links_to_exist() {
    for link in readme().split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !link.starts_with("http") && !link.starts_with('#') {
            assert!(root().join(link).exists(), "{link}");
        }
    }
}
