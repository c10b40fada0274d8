use crate::file::tests::{Paper, changed_lines, paper};

fn service(text: &str) -> Paper<'_> {
    paper("virtualservice:vs.yaml", ("v1", "v2"), text)
}

pub(in crate::file) const MANIFEST: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
    name: chat
spec:
    hosts: [chat]
    http:
    - name: bulk
      match: [{headers: {x-bulk: {exact: \"1\"}}}]
      route:
      - destination: {host: chat, subset: v1}
    - name: main
      route:
      - destination:
          host: chat
          subset: v1
        weight: 90
      - destination:
          host: chat
          subset: v2
        weight: 10   # canary
      mirror:
        host: chat
        subset: v2
      mirrorPercentage:
        value: 12.5
";

#[test]
fn subsets_hosts_and_ports_name_destinations() {
    for arms in [("v1", "v2"), ("chat/v1", "chat/v2"), ("v1", "chat/v2")] {
        assert_eq!(paper("virtualservice:vs", arms, MANIFEST).look().unwrap(), (10.0, Some(12.5)), "{arms:?}");
    }
    let error = paper("virtualservice:vs.yaml", ("chat", "v2"), MANIFEST).look().unwrap_err();
    assert!(error.starts_with("vs.yaml:18:9: `chat` fits two back ends") && error.contains("chat/v2"), "{error}");
    let hosts = "kind: VirtualService\napiVersion: networking.istio.io/v1beta1\nspec: {http: [{route: [\
                 {destination: {host: a, port: {number: 80}}, weight: 3},{destination: {host: b}}]}]}\n";
    assert_eq!(paper("virtualservice:vs", ("a:80", "b"), hosts).look().unwrap(), (0.0, None));
    assert_eq!(
        paper("virtualservice:vs", ("a", "b"), hosts).set(5.0, None),
        hosts.replace("weight: 3", "weight: 9500").replace("{host: b}", "{host: b}, weight: 500")
    );
}

#[test]
fn weights_and_the_mirror_change_and_nothing_else() {
    let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
    let new = service(MANIFEST).set(25.0, Some(0.01));
    assert_eq!(
        changed_lines(MANIFEST, &new),
        [
            pair("weight: 90", "weight: 75"),
            pair("weight: 10   # canary", "weight: 25   # canary"),
            pair("value: 12.5", "value: 0.01"),
        ]
    );
    assert_eq!(service(MANIFEST).plan(10.0, Some(12.5)).unwrap().shown, "");
}

#[test]
fn a_mirror_without_a_percentage_copies_everything() {
    let text = MANIFEST.replace("      mirrorPercentage:\n        value: 12.5\n", "");
    assert_eq!(service(&text).look().unwrap(), (10.0, Some(100.0)));
    assert_eq!(
        service(&text).set(10.0, Some(20.0)),
        text.replace("- name: main\n", "- name: main\n      mirrorPercentage:\n        value: 20\n")
    );
    let list = MANIFEST.replace(
        "      mirror:\n        host: chat\n        subset: v2\n      mirrorPercentage:\n        value: 12.5\n",
        "      mirrors:\n      - destination: {host: other}\n      - destination: {host: chat, subset: v2}\n        percentage: {value: 1}\n",
    );
    assert_eq!(service(&list).look().unwrap(), (10.0, Some(1.0)));
    assert_eq!(service(&list).set(10.0, Some(50.0)), list.replace("value: 1}", "value: 50}"));
    let other = MANIFEST.replace("        subset: v2\n      mirrorP", "        subset: v3\n      mirrorP");
    assert_eq!(service(&other).look().unwrap(), (10.0, None));
    assert!(service(&other).plan(10.0, Some(1.0)).unwrap_err().contains("no `mirror` to `v2`"));
}

#[test]
fn the_older_mirror_percent_is_read_and_not_changed() {
    let text = MANIFEST.replace("mirrorPercentage:\n        value: 12.5", "mirrorPercent: 12");
    assert_eq!(service(&text).look().unwrap(), (10.0, Some(12.0)));
    let error = service(&text).plan(10.0, Some(5.0)).unwrap_err();
    assert!(
        error.starts_with("vs.yaml:25:22: `mirrorPercent` is out of date; write `mirrorPercentage: {value: 12}`"),
        "{error}"
    );
    service(&text).set(5.0, None);
}
