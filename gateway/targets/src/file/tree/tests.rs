use super::*;
use crate::file::edit;

fn find(tree: &Tree, path: &[&str]) -> Id {
    let mut id = tree.documents()[0];
    for step in path {
        id = match step.parse::<usize>() {
            Ok(index) => match tree.form(id) {
                Form::Sequence { items, .. } => items[index],
                other => panic!("{other:?}"),
            },
            Err(_) => tree.get(id, step).unwrap_or_else(|| panic!("no {step}")),
        };
    }
    id
}

fn set(text: &str, path: &[&str], with: &str) -> Result<String, String> {
    let tree = Tree::read(text).map_err(|fault| fault.of("f", text).to_string())?;
    let edit = tree.replace(find(&tree, path), with).map_err(|fault| fault.of("f", text).to_string())?;
    Ok(edit::apply(text, &[edit]).unwrap())
}

fn put(text: &str, path: &[&str], key: &str, new: &New) -> Result<String, String> {
    let tree = Tree::read(text).map_err(|fault| fault.of("f", text).to_string())?;
    let edit = tree.insert(find(&tree, path), key, new).map_err(|fault| fault.of("f", text).to_string())?;
    let done = edit::apply(text, &[edit]).unwrap();
    Tree::read(&done).map_err(|fault| format!("{done}\n{fault:?}"))?;
    Ok(done)
}

fn one() -> New<'static> {
    New::Number("1".into())
}

#[test]
fn json_as_it_occurs_is_read_and_changed_in_place() {
    for (text, path, wanted) in [
        (
            "{\n\t\"a\":\t{\n\t\t\"w\":\t10 ,\n\t\"b\":[1,\t2]}\n}\n",
            &["a", "w"][..],
            "{\n\t\"a\":\t{\n\t\t\"w\":\t7 ,\n\t\"b\":[1,\t2]}\n}\n",
        ),
        (r#"{"\ud83d\ude00":"\ud83d\ude00\/\b","w":1}"#, &["😀"], r#"{"\ud83d\ude00":"7","w":1}"#),
        (r#"{"a\u0041":1,"\ud800":"\udfff"}"#, &["aA"], r#"{"a\u0041":7,"\ud800":"\udfff"}"#),
        ("\u{feff}{\"é\" : 1}\r\n", &["é"], "\u{feff}{\"é\" : 7}\r\n"),
        ("{\"a\"\n:\n[-0.5e+3]}", &["a", "0"], "{\"a\"\n:\n[7]}"),
    ] {
        assert_eq!(set(text, path, "7").unwrap(), wanted);
    }
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(set(&deep(DEPTH_MAX), &vec!["0"; DEPTH_MAX], "7").unwrap(), deep(DEPTH_MAX).replace('1', "7"));
    for text in [deep(DEPTH_MAX + 1), deep(10_000), "- ".repeat(1_000) + "1", "{\"a\":".repeat(10_000)] {
        Tree::read(&text).unwrap_err();
    }
}

#[test]
fn yaml_keeps_all_that_is_not_the_value() {
    let text = "\u{feff}# é\r\na:   # one\r\n- &x {w: '10'}\t\r\n-   w:  \"10\"  # ten\r\n    v: |\r\n      w: 10\r\n";
    assert_eq!(set(text, &["a", "1", "w"], "7").unwrap(), text.replace("\"10\"", "\"7\""));
    assert_eq!(set(text, &["a", "0", "w"], "7").unwrap(), text.replace("'10'", "'7'"));
    assert_eq!(set("a: 1\n...\n---\nb: 2\n", &["a"], "7").unwrap(), "a: 7\n...\n---\nb: 2\n");
}

#[test]
fn what_stands_for_other_places_too_is_refused() {
    for (text, path, wanted) in [
        ("a: &x 1\nb: *x", &["a"][..], "f:1:4: this value has an anchor"),
        ("a: !!int 1", &["a"], "f:1:4: this value has an anchor or a tag"),
        ("a: &x\n  w: 1\nb: *x\n", &["a", "w"], "f:1:4: this has an anchor that an alias repeats"),
        ("a: &x {w: 1}\nb: *x\n", &["a", "w"], "f:1:4: this has an anchor that an alias repeats"),
        ("a: |\n  1\n", &["a"], "f:2:3: this value is a block"),
        ("a: \"1\n  2\"\n", &["a"], "f:1:4: expected a value on one line"),
        ("a: {b: 1}\n", &["a"], "f:1:4: expected a single value"),
    ] {
        let error = set(text, path, "7").unwrap_err();
        assert!(error.starts_with(wanted), "{text:?}: {error}");
    }
    // An anchor nobody refers to, around the value, changes nothing elsewhere.
    assert_eq!(set("a: &x\n  w: 1\n", &["a", "w"], "7").unwrap(), "a: &x\n  w: 7\n");
}

#[test]
fn keys_twice_and_what_is_neither_are_refused_with_their_place() {
    for (text, wanted) in [
        ("a: 1\nb:\n  w: 1\n  'w': 2\n", "f:4:3: the key `w` stands twice"),
        ("{\"a\":\n {\"w\":1,\"\\u0077\":2}}", "f:2:9: the key `w` stands twice"),
        ("é: [1, 2\n", "f:2:1: not YAML:"),
        ("{{- if .Values.x }}\na: 1\n", "f:1:3: not YAML:"),
    ] {
        let error = Tree::read(text).map_err(|fault| fault.of("f", text).to_string()).unwrap_err();
        assert!(error.starts_with(wanted), "{text:?}: {error}");
    }
}

#[test]
fn a_member_is_put_in_the_way_its_neighbours_are() {
    for (text, path, wanted) in [
        (
            "r:\n- name: a # first\n  port: 80\n- name: b\n",
            &["r", "0"][..],
            "r:\n- name: a # first\n  port: 80\n  w: 1\n- name: b\n",
        ),
        ("r:\n- name: a\n- name: b", &["r", "1"], "r:\n- name: a\n- name: b\n  w: 1"),
        (
            "r:\r\n  -   name: a  # x\r\n\r\n# y\r\n",
            &["r", "0"],
            "r:\r\n  -   name: a  # x\r\n      w: 1\r\n\r\n# y\r\n",
        ),
        ("r:\n- - filters:\n    - a\n", &["r", "0", "0"], "r:\n- - w: 1\n    filters:\n    - a\n"),
        ("r: {name: a}\n", &["r"], "r: {name: a, w: 1}\n"),
        ("r: { name: 'a' }\n", &["r"], "r: { name: 'a', w: 1 }\n"),
        ("{\"r\":{\"n\":\"a\",\"p\":8}}", &["r"], "{\"r\":{\"n\":\"a\",\"p\":8,\"w\":1}}"),
        ("{\"r\": {\n\t\"n\": \"a\"\n}}", &["r"], "{\"r\": {\n\t\"n\": \"a\",\n\t\"w\": 1\n}}"),
        ("r: {n: a, # x\n  p: 8}", &["r"], "r: {n: a, # x\n  p: 8, w: 1}"),
    ] {
        assert_eq!(put(text, path, "w", &one()).as_deref(), Ok(wanted), "{text:?}");
    }
    let text = New::Text("5".into());
    assert_eq!(put("a:\n  b: 'true'\n", &["a"], "w", &text).unwrap(), "a:\n  b: 'true'\n  w: '5'\n");
    assert_eq!(put("{\"a\":{\"b\":\"c\"}}", &["a"], "w", &text).unwrap(), "{\"a\":{\"b\":\"c\", \"w\":\"5\"}}");
    let inside = [("value", "2.5".to_owned())];
    let nested = New::Numbers(&inside);
    assert_eq!(put("- m:\n    h: a\n", &["0"], "p", &nested).unwrap(), "- p:\n    value: 2.5\n  m:\n    h: a\n");
    assert_eq!(put("{\"m\":{}}", &[], "p", &nested).unwrap(), "{\"m\":{}, \"p\":{\"value\":2.5}}");
    for (text, path, wanted) in [
        ("a: {}\n", &["a"][..], "f:1:4: `w` is missing here"),
        ("--- {a: b}\n", &[][..], ""),
        ("a: &x\n  b: 1\nc: *x\n", &["a"], "f:1:4: this has an anchor that"),
        ("? a\n: 1\n", &[], "f:1:1: `w` is missing here"),
    ] {
        match put(text, path, "w", &one()) {
            Err(error) => assert!(error.starts_with(wanted), "{text:?}: {error}"),
            Ok(done) => assert!(wanted.is_empty(), "{text:?}: {done}"),
        }
    }
}
