use super::*;
use std::io::Write;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn what_nobody_knows_is_told_with_the_names_of_what_is_known() {
    for (text, words) in [("", "is empty"), ("dear diary\n", "--format"), ("{\"a\":1}\n", "goreplay")] {
        let log = file(text);
        let error = open(&[log.path().to_owned()], ImportOptions::default()).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(log.path().to_str().unwrap()), "{error}");
    }
    assert!(open(&[], ImportOptions::default()).is_err());
    assert!("csv".parse::<LogFormat>().unwrap_err().to_string().contains("helicone"));
}

#[test]
fn own_logs_come_back_byte_for_byte_and_broken_rows_are_skipped_or_stop() {
    let text = "{\"format\":\"weighbridge.requests\",\"version\":\"1.0\",\"creator\":\"t\"}\n\
                {\"id\":\"a\",\"at_us\":5,\"body\":{ \"model\":\"m\",\"x\":1.50}}\n{\"id\":\"b\"}\n\
                {\"id\":\"c\",\"at_us\":4,\"body\":{}}\n";
    let log = file(text);
    let mut import = open(&[log.path().to_owned()], ImportOptions::default()).unwrap();
    let first = import.next().unwrap().unwrap();
    assert_eq!(first.body.get(), "{ \"model\":\"m\",\"x\":1.50}");
    assert_eq!(import.next().unwrap().unwrap().id, "c");
    assert!(import.next().is_none());
    assert_eq!((import.report().requests, import.report().skipped, import.report().out_of_order), (2, 1, 1));
    assert!(import.report().skips[0].message.contains("line 3"));
    let mut strict =
        open(&[log.path().to_owned()], ImportOptions { strict: true, ..ImportOptions::default() }).unwrap();
    assert!(strict.next().unwrap().is_ok());
    assert!(strict.next().unwrap().unwrap_err().to_string().contains("line 3"));
    assert!(strict.next().is_none());
}

#[test]
fn the_readme_says_what_each_format_fills() {
    let chapter = include_str!("../../README.md").split("\n# Imported logs\n").nth(1).unwrap();
    let mut told = Vec::new();
    for row in chapter.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let format: LogFormat = cells[0].trim_start_matches("| ").trim_matches('`').parse().unwrap();
        let fields: Vec<&str> =
            Field::ALL.iter().filter(|field| format.fills().contains(field)).map(|f| f.name()).collect();
        assert_eq!(cells[2], fields.join(", "), "{format}: the third cell of its row must say this");
        assert!(!told.contains(&format), "{format} stands twice");
        told.push(format);
    }
    for format in LogFormat::ALL {
        assert!(told.contains(&format), "{format} has no row");
    }
}

#[test]
fn a_log_is_read_from_any_source_packed_or_not() {
    let text = include_bytes!("../../tests/import/helicone.jsonl");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    for bytes in [text.to_vec(), gzip.finish().unwrap(), zstd::encode_all(&text[..], 1).unwrap()] {
        let source = Box::new(std::io::Cursor::new(bytes));
        let mut import = from_reader(Path::new("pipe"), source, ImportOptions::default()).unwrap();
        assert_eq!((import.format(), import.by_ref().count()), (LogFormat::Helicone, 6));
        assert_eq!((import.report().requests, import.report().passed_over), (6, 1));
    }
    let empty = from_reader(Path::new("pipe"), Box::new(std::io::empty()), ImportOptions::default());
    assert!(empty.unwrap_err().to_string().contains("pipe: the file is empty"));
}

#[test]
fn every_trace_and_capture_is_told_for_exactly_what_it_is() {
    for (format, text) in [
        (LogFormat::AzureLlm, "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"),
        (LogFormat::BurstGpt, "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"),
        (LogFormat::ServeGen, "client,window_start_s,rate_rps,cv,interarrival_family,param1,param2\n"),
        (LogFormat::ServeGen, "client,window_start_s,field,p1,p5,p10,p25,p50,p75,p90,p95,p99\n"),
        (LogFormat::Mooncake, "{\"timestamp\":0,\"input_length\":5,\"output_length\":1,\"hash_ids\":[0]}\n"),
        (LogFormat::Mooncake, "{\"chat_id\":1,\"timestamp\":0.5,\"input_length\":5,\"hash_ids\":[0]}\n"),
        (LogFormat::Mooncake, "{\"id\":\"x\",\"t\":0.5,\"in\":5,\"out\":5,\"hash_ids\":[0]}\n"),
        (LogFormat::Mooncake, "{\"data\":[{\"session_id\":\"x\",\"payloads\":[{}]}]}\n"),
        (LogFormat::ShareGpt, "[{\"id\":\"x\",\"conversations\":[{\"from\":\"human\",\"value\":\"x\"}]}]"),
        (LogFormat::GuideLlm, "{\"prompt\":\"x\",\"prompt_tokens_count\":5}\n"),
        (LogFormat::GuideLlm, "prompt,output_tokens_count\nx,5\n"),
        (LogFormat::GuideLlm, "{\"timestamp\":0.5,\"input_length\":5,\"output_length\":1}\n"),
        (LogFormat::Vllm, "{\"prompt\":\"x\",\"output_tokens\":5}\n"),
        (LogFormat::GoReplay, "1 a 1 0\nPOST /v1/x HTTP/1.1\r\n\r\n"),
        (LogFormat::Har, "{\"log\":{\"version\":\"1.2\",\"entries\":[]}}"),
    ] {
        let source = Box::new(std::io::Cursor::new(text.as_bytes()));
        let input = input::Input::unpack(Path::new("log"), source).unwrap();
        assert_eq!(detect::tell(&[input], &ImportOptions::default()).unwrap(), format, "{text}");
        let head = detect::Head::new(text.as_bytes());
        // Those that share their columns with others are asked last.
        let shared = [LogFormat::GuideLlm, LogFormat::Vllm];
        let others = LogFormat::ALL.into_iter().filter(|other| *other != format && !shared.contains(other));
        assert_eq!(others.filter(|other| other.is_it(&head)).collect::<Vec<_>>(), [], "{text}");
    }
}
