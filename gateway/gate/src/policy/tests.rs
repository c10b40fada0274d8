use super::*;
use proptest::prelude::*;

fn us(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    assert_eq!(Policy::parse(DEFAULT_TOML).unwrap(), Policy::default());
    assert_eq!(Policy::parse("").unwrap(), Policy::default());
    assert!(!Policy::default().allow_unsigned);
}

#[test]
fn what_is_commented_out_is_a_policy_as_well() {
    let text: String = DEFAULT_TOML
        .replace("freeze = []\n", "")
        .lines()
        .map(|line| {
            line.strip_prefix("# ").filter(|rest| rest.contains(" = ") || rest.starts_with('[')).unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let policy = Policy::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(policy.freeze.len(), 2);
    assert_eq!(policy.kill_switch_variable.as_deref(), Some("WEIGHBRIDGE_STOP"));
    assert_eq!(policy.kill_switch.as_deref(), Some(Path::new("stop")));
    let shown: Vec<String> = policy.freeze.iter().map(ToString::to_string).collect();
    assert_eq!(shown[0], "year's end, 2026-12-18T17:00:00Z to 2027-01-04T07:00:00Z");
    assert_eq!(shown[1], "nobody is there over the weekend, fri sat sun 16:00-08:00 Europe/Berlin");
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_what_to_write() {
    let dated = "[[freeze]]\nfrom = \"2026-12-18T18:00:00Z\"\n";
    for (text, words) in [
        ("\nmax_gae = \"1h\"", ["line 2", "`max_gae`", "`max_age`"]),
        ("max_age = \"7\"", ["line 1", "`max_age` is \"7\"", "7d"]),
        ("max_age = 7", ["line 1", "integer", "string"]),
        ("unsigned = \"maybe\"", ["line 1", "\"maybe\"", "\"refuse\" or \"allow\""]),
        ("ladder_percent = [5, 1]", ["line 1", "[5.0, 1.0]", "ascending"]),
        ("ladder_percent = []", ["line 1", "ladder_percent", "ascending"]),
        ("ladder_percent = [nan]", ["line 1", "ladder_percent", "ascending"]),
        ("ladder_percent = [0.001]", ["line 1", "ladder_percent", "steps of 0.01"]),
        ("kill_switch = \"\"", ["line 1", "kill_switch", "name of a file"]),
        ("kill_switch_variable = \"A=B\"", ["line 1", "kill_switch_variable", "name of a variable"]),
        (&format!("{dated}to = \"2026-12-17T18:00:00Z\""), ["line 3", "`to`", "after `from`"]),
        (&format!("{dated}to = \"2026-12-19\""), ["line 3", "`to`", "instant with its offset"]),
        (dated, ["line 1", "neither dated nor weekly", "`days`, `hours` and `zone`"]),
        ("[[freeze]]\ndays = [\"tues\"]\nhours = \"1:00-2:00\"\nzone = \"UTC\"", ["line 2", "\"tues\"", "mon, tue"]),
        ("[[freeze]]\ndays = [\"tue\"]\nhours = \"1:00-2:00\"\nzone = \"UTC\"", ["line 3", "hours", "18:00-08:00"]),
        ("[[freeze]]\ndays = [\"tue\"]\nhours = \"01:00-02:00\"\nzone = \"CEST\"", ["line 4", "CEST", "Europe/Berlin"]),
        ("[[freeze]]\nday = [\"tue\"]", ["line 2", "`day`", "`days`"]),
    ] {
        let error = Policy::parse(text).expect_err(text).to_string();
        for word in words {
            assert!(error.contains(word), "`{word}` is not in `{error}`, of:\n{text}");
        }
    }
}

#[test]
fn a_file_is_named_and_its_paths_are_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    let error = Policy::read(&path).unwrap_err().to_string();
    assert!(error.contains("gate.toml") && error.contains("--policy"), "{error}");
    std::fs::write(&path, "# mine\ncool = \"1h\"\n").unwrap();
    let error = Policy::read(&path).unwrap_err().to_string();
    assert!(error.contains("gate.toml, line 2: unknown key `cool`; the nearest known key is `cool_down`"), "{error}");
    std::fs::write(&path, "keys = [\"a.pem\", \"/etc/b.pem\"]\nkill_switch = \"stop\"").unwrap();
    let policy = Policy::read(&path).unwrap();
    assert_eq!(policy.keys, [folder.path().join("a.pem"), PathBuf::from("/etc/b.pem")]);
    assert_eq!(policy.kill_switch, Some(folder.path().join("stop")));
}

#[test]
fn the_digest_is_of_what_holds_and_not_of_how_it_is_written() {
    let digest = |text: &str| Policy::parse(text).unwrap().digest();
    assert_eq!(digest(""), digest("# a remark\nmax_age = \"1d\""));
    let others = [
        "max_age = \"25h\"",
        "cool_down = \"1s\"",
        "unsigned = \"allow\"",
        "keys = [\"a\"]",
        "ladder_percent = [1]",
        "kill_switch = \"a\"",
        "kill_switch_variable = \"a\"",
        "[[freeze]]\nfrom = \"2026-12-18T18:00:00Z\"\nto = \"2026-12-19T18:00:00Z\"",
    ];
    let all: std::collections::BTreeSet<String> = others.iter().chain(&[""]).map(|text| digest(text)).collect();
    assert_eq!(all.len(), others.len() + 1);
}

fn weekly(days: &str, hours: &str, zone: &str) -> Freeze {
    let text = format!("[[freeze]]\ndays = [{days}]\nhours = \"{hours}\"\nzone = \"{zone}\"");
    Policy::parse(&text).unwrap().freeze.remove(0)
}

#[test]
fn a_weekly_window_follows_the_clock_on_the_wall() {
    let office = weekly("\"fri\"", "16:00-24:00", "Europe/Berlin");
    // 16:00 on the wall is 14:00 in summer and 15:00 in winter.
    for (now, open) in [
        ("2026-07-03T13:59:59Z", false),
        ("2026-07-03T14:00:00Z", true),
        ("2026-07-03T21:59:59Z", true),
        ("2026-07-03T22:00:00Z", false),
        ("2026-11-27T14:59:59Z", false),
        ("2026-11-27T15:00:00Z", true),
        ("2026-11-26T15:00:00Z", false),
    ] {
        assert_eq!(office.is_open(us(now)), open, "{now}");
    }
    let night = weekly("\"fri\", \"sun\"", "22:00-06:00", "+08:00");
    for (now, open) in [
        ("2026-11-27T21:59:59+08:00", false),
        ("2026-11-27T22:00:00+08:00", true),
        ("2026-11-28T05:59:59+08:00", true),
        ("2026-11-28T06:00:00+08:00", false),
        ("2026-11-28T22:00:00+08:00", false),
        ("2026-11-29T05:00:00+08:00", false),
        ("2026-11-30T05:00:00+08:00", true),
    ] {
        assert_eq!(night.is_open(us(now)), open, "{now}");
    }
    assert!(office.is_open(i64::MAX) && night.is_open(i64::MIN), "no calendar has these");
}

#[test]
fn a_dated_window_has_its_first_instant_and_not_its_last() {
    let text = "[[freeze]]\nfrom = \"2026-12-18T18:00:00+01:00\"\nto = \"2027-01-04T08:00:00+01:00\"";
    let freeze = Policy::parse(text).unwrap().freeze.remove(0);
    for (now, open) in [
        ("2026-12-18T16:59:59Z", false),
        ("2026-12-18T17:00:00Z", true),
        ("2027-01-04T06:59:59Z", true),
        ("2027-01-04T07:00:00Z", false),
    ] {
        assert_eq!(freeze.is_open(us(now)), open, "{now}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,200}") {
        let _read = Policy::parse(&text);
    }

    #[test]
    fn whole_days_of_all_days_are_always_open(now_us in any::<i64>(), zone in prop::sample::select(vec!["UTC", "-09:30", "Asia/Shanghai", "America/Sao_Paulo"])) {
        let always = weekly("\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\",\"sun\"", "00:00-24:00", zone);
        prop_assert!(always.is_open(now_us));
    }
}
