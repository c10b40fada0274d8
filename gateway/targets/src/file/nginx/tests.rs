#![expect(clippy::float_cmp, reason = "hundredths of a percent are the same float wherever they come from")]

use crate::file::tests::{Paper, paper};

const ARMS: (&str, &str) = ("deepseek", "openai");

fn split(text: &str) -> Paper<'_> {
    paper("nginx:nginx.conf", (ARMS.1, ARMS.0), text)
}

pub(in crate::file) const CONF: &str = "\
http {
    upstream openai { server 127.0.0.1:1; }   # not a split { }
    # split_clients \"x\" $y { 5% deepseek; * openai; }
    split_clients \"${http_authorization}{;\" $upstream {
        5%      deepseek;   # the candidate
        *       openai;     # the rest
    }
    server { location / { proxy_pass http://$upstream; } }
}
";

#[test]
fn the_percentage_changes_and_nothing_else() {
    assert_eq!(split(CONF).look().unwrap(), (5.0, None));
    for (weight, shown) in [(25.0, "25%"), (0.01, "0.01%"), (12.5, "12.5%"), (100.0, "100%")] {
        assert_eq!(split(CONF).set(weight, None), CONF.replace("        5% ", &format!("        {shown} ")));
    }
}

#[test]
fn nothing_is_a_comment_and_comes_out_of_it() {
    let none = split(CONF).set(0.0, None);
    assert_eq!(none, CONF.replace("        5%      deepseek; ", "        # 0%      deepseek; "));
    assert_eq!(split(&none).look().unwrap(), (0.0, None));
    assert_eq!(split(&none).set(0.0, None), none);
    assert_eq!(split(&none).set(5.0, None), CONF);
    // On one line, what follows must not end up in the comment.
    let text = "split_clients $a $b { 5% deepseek;  *  openai; }\r\n";
    let none = split(text).set(0.0, None);
    assert_eq!(none, "split_clients $a $b { # 0% deepseek;\r\n*  openai; }\r\n");
    assert_eq!(split(&none).set(7.0, None), "split_clients $a $b { 7% deepseek;\r\n*  openai; }\r\n");
}

#[test]
fn two_percentages_share_what_they_have() {
    let text = "split_clients $a $b {\n  10.5%  openai;\n  2%  deepseek;\n  20% other;\n  * none;\n}\n";
    assert_eq!(split(text).look().unwrap().0, 16.0);
    let new = split(text).set(50.0, None);
    assert_eq!(new, text.replace("10.5%", "6.25%").replace("2%  d", "6.25%  d"));
    let all = split(text).set(100.0, None);
    assert_eq!(all, text.replace("10.5%  openai", "# 0%  openai").replace("2%  d", "12.5%  d"));
    assert_eq!(split(&all).look().unwrap().0, 100.0);
    assert_eq!(split(&all).set(16.0, None), text);
    let rest = "split_clients $a $b { 20% other; 8% deepseek; * openai; }";
    assert_eq!(split(rest).look().unwrap().0, 10.0);
    assert_eq!(split(rest).set(5.0, None), rest.replace("8%", "4%"));
    let plan = split(rest).plan(0.01, None).unwrap();
    assert_eq!(plan.text, rest.replace(" 8% deepseek; ", " # 0% deepseek;\n"), "0.008% is rounded down");
}

#[test]
fn percentages_are_read_as_nginx_does() {
    for (shown, weight) in [(".5%", 0.5), ("5.%", 5.0), ("05.50%", 5.5), ("100%", 100.0)] {
        assert_eq!(split(&CONF.replace("5%  ", &format!("{shown}  "))).look().unwrap().0, weight, "{shown}");
    }
}

#[test]
fn what_nginx_would_refuse_is_refused_with_its_place() {
    for (old, new, wanted) in [
        ("5%  ", "0%  ", "nginx.conf:5:9: expected a percentage from 0.01% to 100%"),
        ("5%  ", "5.125%  ", "nginx.conf:5:9: expected a percentage"),
        ("5%  ", "5  ", "nginx.conf:5:9: expected a percentage"),
        ("5%  ", "*  ", "nginx.conf:5:9: the candidate is the rest"),
        ("deepseek;", "deepseek", "nginx.conf:6:23: expected a percentage and a value before"),
        ("*       openai", "99% openai", "nginx.conf:4:5: the percentages are 104%"),
        ("*       openai", "*       other", "nginx.conf: expected lines for `openai` and `deepseek`"),
        ("*       openai", "1% deepseek; * openai", "nginx.conf:6:9: a second line for `deepseek`"),
        (" $upstream {", " {", "nginx.conf:4:5: expected `split_clients STRING"),
        ("    }\n    server", "    server", "nginx.conf:7:12: expected a semicolon before"),
        ("\" $upstream", " $upstream", "nginx.conf:4:19: a quote that does not end"),
    ] {
        let text = CONF.replace(old, new);
        assert_ne!(text, CONF, "{old}");
        let error = split(&text).look().unwrap_err();
        assert!(error.starts_with(wanted), "{new}: {error}");
    }
    let text = CONF.replace(
        "5%      deepseek;   # the candidate\n        *       openai;     # the rest",
        "* openai;\n# 0% deepseek;",
    );
    assert_eq!(split(&text).look().unwrap().0, 0.0);
    assert!(split(&text).plan(5.0, None).unwrap_err().starts_with("nginx.conf:6:1: `*` has to be the last line"));
    assert!(split(CONF).plan(5.0, Some(1.0)).unwrap_err().contains("mirrors nothing"));
}

#[test]
fn several_blocks_are_listed() {
    let text = format!("{CONF}split_clients $x $other {{ 5% deepseek; * openai; }}\n");
    let error = split(&text).look().unwrap_err();
    assert!(error.contains("both names are in $upstream (line 4), $other (line 10)"), "{error}");
    assert_eq!(paper("nginx:n#$other", (ARMS.1, ARMS.0), &text).look().unwrap().0, 5.0);
    let error = paper("nginx:n#third", (ARMS.1, ARMS.0), &text).look().unwrap_err();
    assert!(error.contains("the file has $upstream (line 4), $other (line 10)"), "{error}");
}
