use super::*;
use judge::verdict::{Bill, Evidence, Instrument};
use proptest::prelude::*;
use serde_json::json;
use std::process::Command;

fn verdict() -> String {
    let verdict = json!({
        "schema": SCHEMA, "verdict": "go", "reasons": ["all — guardrails \"passed\"\n"],
        "migration": "m", "epoch": 7, "weight_percent": 5.0, "next_weight_percent": 10.0,
        "next_weight_bound": "ladder", "needed": [], "guardrails": [],
        "instrument": Instrument::default(), "bill": Bill::default(), "window": {"from_us": -1, "to_us": i64::MAX},
        "inputs": [], "policy_digest": "p", "tariff_digest": "t", "seed": u64::MAX, "version": "0",
        "created_at": "2026-11-22T11:00:00Z", "evidence": Evidence::default(), "of_tomorrow": {"b": 1e-7, "a": 0.1},
    });
    serde_json::to_string_pretty(&verdict).unwrap()
}

fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

fn signed(text: &str, keys: &[&SecretKey]) -> Signed {
    let keys: Vec<PublicKey> = keys.iter().map(|key| key.public().clone()).collect();
    open(text.as_bytes(), &keys).unwrap().signed
}

#[test]
fn what_was_signed_opens_with_the_key_and_with_several() {
    let (old, new) = (key(), key());
    for key in [&old, &new] {
        let text = sign(verdict().as_bytes(), key).unwrap();
        let by = Signed::By(key.public().fingerprint().to_owned());
        assert_eq!(signed(&text, &[&old, &new]), by, "both are trusted while one takes over from the other");
        assert_eq!(signed(&text, &[key]), by);
        let opened = open(text.as_bytes(), &[]).unwrap();
        assert!(matches!(&opened.signed, Signed::Wrong(why) if why.contains("not trusted")), "{:?}", opened.signed);
        let signature = opened.verdict.signature.unwrap();
        assert_eq!((signature.algorithm.as_str(), signature.key.as_str()), ("ed25519", key.public().fingerprint()));
    }
    assert_eq!(signed(&verdict(), &[&old]), Signed::Unsigned);
}

#[test]
fn form_may_change_and_content_may_not() {
    let key = key();
    let text = sign(verdict().as_bytes(), &key).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let by = Signed::By(key.public().fingerprint().to_owned());
    assert_eq!(signed(&value.to_string(), &[&key]), by, "written without blanks");
    // As `report` and `evaluate --publish` hand on what `evaluate` wrote: through the type.
    let ours: Verdict = serde_json::from_str(&verdict()).unwrap();
    let ours = sign(serde_json::to_string(&ours).unwrap().as_bytes(), &key).unwrap();
    let through: Verdict = serde_json::from_str(&ours).unwrap();
    assert_eq!(signed(&serde_json::to_string_pretty(&through).unwrap(), &[&key]), by);
    // Signed anew: one signature, at the end.
    let other = self::key();
    let again = sign(text.as_bytes(), &other).unwrap();
    assert_eq!(again.matches("\"algorithm\"").count(), 1);
    assert_eq!(signed(&again, &[&other]), Signed::By(other.public().fingerprint().to_owned()));

    let changed = text.replace("\"weight_percent\": 5.0", "\"weight_percent\": 5.5");
    for forged in [
        changed,
        text.replace("\"b\": 1e-7", "\"b\": 2e-7"),
        text.replace("\"seed\": 18446744073709551615", "\"seed\": 18446744073709551614"),
        text.replace("\"schema\"", "\"one_more\": 1, \"schema\""),
    ] {
        assert_ne!(forged, text);
        assert!(matches!(signed(&forged, &[&key]), Signed::Wrong(why) if why.contains("changed after it was signed")));
    }
}

#[test]
fn a_signature_that_is_none_is_wrong_and_never_absent() {
    let key = key();
    let text = sign(verdict().as_bytes(), &key).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        change(&mut value["signature"]);
        open(value.to_string().as_bytes(), &[key.public().clone()])
    };
    for change in [
        (&|s: &mut Value| s["algorithm"] = json!("none")) as &dyn Fn(&mut Value),
        &|s| s["algorithm"] = json!("ED25519"),
        &|s| s["value"] = json!(""),
        &|s| s["value"] = json!("AAAA"),
        &|s| s["value"] = json!("not base64!"),
        &|s| s["key"] = json!(""),
        &|s| s["key"] = json!("00"),
    ] {
        assert!(matches!(with(change).unwrap().signed, Signed::Wrong(_)));
    }
    // What is no signature at all is no verdict of this schema either.
    assert!(with(&|s| *s = json!("ed25519")).is_err());
    assert!(with(&|s| *s = json!([])).is_err());
}

#[test]
fn a_member_that_stands_twice_is_refused_wherever_it_is() {
    let key = key();
    let text = sign(verdict().as_bytes(), &key).unwrap();
    for twice in [
        text.replace("\"verdict\": \"go\",", "\"verdict\": \"go\", \"verdict\": \"go\","),
        text.replace("\"to_us\":", "\"from_us\": 0, \"to_us\":"),
        text.replace("\"schema\":", "\"sche\\u006da\": \"weighbridge.verdict/1\", \"schema\":"),
        text.replace("\"algorithm\":", "\"value\": \"\", \"algorithm\":"),
    ] {
        assert_ne!(twice, text);
        let error = open(twice.as_bytes(), &[]).unwrap_err().to_string();
        assert!(error.starts_with("line ") && error.contains("stands there twice"), "{error}");
        assert!(sign(twice.as_bytes(), &key).is_err());
    }
}

#[test]
fn what_is_no_verdict_says_where_and_why() {
    let other = verdict().replace("weighbridge.verdict/1", "weighbridge.verdict/2");
    let error = open(other.as_bytes(), &[]).unwrap_err().to_string();
    assert_eq!(error, "schema is weighbridge.verdict/2, this version reads weighbridge.verdict/1");
    let wrong = verdict().replace("\"epoch\": 7", "\"epoch\": \"7\"");
    let error = open(wrong.as_bytes(), &[]).unwrap_err().to_string();
    assert!(error.starts_with("line 8: no verdict: invalid type"), "{error}");
    assert!(open(b"", &[]).is_err() && open(b"[]", &[]).is_err() && open(&[b'['; 100_000], &[]).is_err());
    assert!(open(format!("{} x", verdict()).as_bytes(), &[]).is_err(), "something behind it");
}

#[test]
fn keys_come_back_from_their_files_and_say_nothing() {
    let key = key();
    let pem = key.to_pem().unwrap();
    let again = SecretKey::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(again.public(), key.public());
    let public = key.public().to_pem();
    assert_eq!(&PublicKey::from_pem(public.as_bytes()).unwrap(), key.public());
    let secret = pem.lines().nth(1).unwrap();
    assert!(!format!("{key:?}").contains(secret));
    assert_eq!(PublicKey::from_pem(pem.as_bytes()).unwrap_err(), KeyError::SecretForPublic);
    assert_eq!(SecretKey::from_pem(public.as_bytes()).unwrap_err(), KeyError::PublicForSecret);
    for none in ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", &public.replace('M', "N")] {
        assert_eq!(PublicKey::from_pem(none.as_bytes()).unwrap_err(), KeyError::NotPublic, "{none}");
        assert!(SecretKey::from_pem(none.as_bytes()).is_err());
    }
    assert_eq!(SecretKey::from_pem(pem.replace("MC", "MD").as_bytes()).unwrap_err(), KeyError::NotSecret);
}

/// The first test vector of RFC 8032, section 7.1: a key that is public in both halves, and signs nothing else.
#[test]
fn the_published_vector_holds() {
    let secret = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    let key = SecretKey::from_pem(secret.as_bytes()).unwrap();
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    assert_eq!(key.public().to_pem(), public);
    let signature = datasets::digest::hex(&key.sign(b"").unwrap());
    assert_eq!(
        signature,
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    );
}

/// OpenSSL makes a key, we sign with it, and OpenSSL checks what we signed; and the other way round.
#[test]
fn openssl_reads_our_keys_and_we_read_its() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let openssl = |arguments: &[&str]| Command::new("openssl").args(arguments).current_dir(folder.path()).output();
    match openssl(&["genpkey", "-algorithm", "ed25519", "-out", "their.pem"]) {
        Ok(output) if output.status.success() => {}
        other => {
            eprintln!("skipped: no openssl that makes Ed25519 keys is here: {other:?}");
            return;
        }
    }
    let run = |arguments: &[&str]| {
        let output = openssl(arguments).unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["pkey", "-in", "their.pem", "-pubout", "-out", "their.pub.pem"]);
    let theirs = SecretKey::from_pem(&std::fs::read(path("their.pem")).unwrap()).unwrap();
    assert_eq!(theirs.public(), &PublicKey::from_pem(&std::fs::read(path("their.pub.pem")).unwrap()).unwrap());
    let ours = key();
    std::fs::write(path("our.pem"), ours.to_pem().unwrap()).unwrap();
    run(&["pkey", "-in", "our.pem", "-pubout", "-out", "our.pub.pem"]);
    assert_eq!(std::fs::read_to_string(path("our.pub.pem")).unwrap(), ours.public().to_pem());
    run(&["pkey", "-in", "our.pem", "-pubout", "-outform", "DER", "-out", "our.der"]);
    assert_eq!(datasets::digest::of_bytes(&std::fs::read(path("our.der")).unwrap()), ours.public().fingerprint());
    // The signed text as the documentation says it is made, checked by somebody else.
    let text = sign(verdict().as_bytes(), &ours).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let signature = value.as_object_mut().unwrap().shift_remove("signature").unwrap();
    std::fs::write(path("text"), format!("weighbridge verdict, signed text 1\n{value}")).unwrap();
    std::fs::write(path("signature"), STANDARD.decode(signature["value"].as_str().unwrap()).unwrap()).unwrap();
    run(&["pkeyutl", "-verify", "-pubin", "-inkey", "our.pub.pem", "-rawin", "-in", "text", "-sigfile", "signature"]);
}

proptest! {
    #[test]
    fn no_byte_of_a_signed_verdict_can_be_changed_for_another_meaning(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let key = SecretKey::from_pem(FIXED.as_bytes()).unwrap();
        let text = sign(verdict().as_bytes(), &key).unwrap();
        let mut changed = text.clone().into_bytes();
        let at = place.index(changed.len());
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        let whole: Value = serde_json::from_str(&text).unwrap();
        match open(&changed, &[key.public().clone()]) {
            Err(_) => {}
            Ok(opened) if matches!(opened.signed, Signed::By(_)) => {
                let value: Value = serde_json::from_slice(&changed).unwrap();
                prop_assert_eq!(value, whole, "another meaning with the same signature");
            }
            Ok(_) => {}
        }
    }

    #[test]
    fn nothing_breaks_the_readers(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _opened = open(&bytes, &[]);
        let _key = SecretKey::from_pem(&bytes).is_ok();
        let _public = PublicKey::from_pem(&bytes).is_ok();
    }
}

/// That of the published vector above.
const FIXED: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
