//! The kill switch: a file, or a variable.

use super::Policy;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;

impl Policy {
    /// Why nothing may be raised, if the kill switch is pulled. What cannot be told is pulled. `variable` looks an environment
    /// variable up.
    #[must_use]
    pub fn killed(&self, variable: impl Fn(&str) -> Option<OsString>) -> Option<String> {
        self.kill_switch.as_deref().and_then(by_file).or_else(|| {
            let name = self.kill_switch_variable.as_deref()?;
            by_variable(name, &variable(name)?)
        })
    }
}

fn by_file(path: &Path) -> Option<String> {
    let shown = path.display();
    match path.symlink_metadata() {
        Ok(_) => Some(format!("{shown} exists")),
        // A folder that is not there may be a share that is not mounted: then nobody knows what is in it.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
            (!folder.is_dir()).then(|| format!("the folder of {shown} cannot be looked into"))
        }
        Err(error) => Some(format!("whether {shown} exists cannot be told: {error}")),
    }
}

fn by_variable(name: &str, value: &OsStr) -> Option<String> {
    let no = |text: &str| ["", "0", "no", "off", "false"].contains(&text.trim().to_ascii_lowercase().as_str());
    (!value.to_str().is_some_and(no)).then(|| format!("the variable {name} is set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_stops_unless_it_says_no() {
        let policy = Policy { kill_switch_variable: Some("STOP".to_owned()), ..Policy::default() };
        for (value, pulled) in
            [(None, false), (Some(""), false), (Some("0"), false), (Some("False"), false), (Some("1"), true)]
        {
            let why = policy.killed(|name| (name == "STOP").then_some(value).flatten().map(OsString::from));
            assert_eq!(why.is_some(), pulled, "{value:?}: {why:?}");
        }
        assert_eq!(Policy::default().killed(|_| Some("1".into())), None, "nobody asked for a variable");
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_stops() {
        use std::os::unix::ffi::OsStringExt;
        let policy = Policy { kill_switch_variable: Some("STOP".to_owned()), ..Policy::default() };
        assert!(policy.killed(|_| Some(OsString::from_vec(vec![0xff]))).is_some());
    }

    #[test]
    fn a_file_stops_while_it_exists_and_while_nobody_can_tell() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| Policy { kill_switch: Some(folder.path().join(path)), ..Policy::default() };
        assert_eq!(at("stop").killed(|_| None), None);
        std::fs::write(folder.path().join("stop"), "").unwrap();
        assert!(at("stop").killed(|_| None).unwrap().contains("stop exists"));
        assert!(at("not-mounted/stop").killed(|_| None).unwrap().contains("cannot be looked into"));
        assert!(at("stop/below-a-file").killed(|_| None).is_some());
        let both = Policy { kill_switch_variable: Some("STOP".to_owned()), ..at("other") };
        assert!(both.killed(|_| Some("yes".into())).is_some());
    }
}
