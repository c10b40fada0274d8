//! Every deadline, as the client and the record see it.

use super::*;

#[tokio::test]
async fn headers_that_do_not_come_are_a_504() {
    for (weight_percent, arm) in ARMS {
        let provider = Provider::start().await;
        let (url, deadline) = (Some(provider.url.clone()), "headers_timeout = \"100ms\"");
        let plan = Plan { weight_percent, migration: "fallback.on = []", ..Plan::default() };
        let plan = match arm {
            Arm::Baseline => Plan { baseline_url: url, openai_extra: deadline, ..plan },
            Arm::Candidate => Plan { candidate_url: url, deepseek_extra: deadline, ..plan },
        };
        let house = plan.build().await;
        let asked = asking(&house, &chat("hello", &json!({"stream": true})));
        let mut call = provider.call().await;
        let answer = asked.await.unwrap();
        assert_eq!((answer.status, &error(&answer.text)["code"]), (504, &json!("upstream_timeout")));
        call.hung_up().await;
        let record = record(&house).await;
        assert_eq!((record.arm, record.error, record.status), (arm, Some(ErrorKind::Timeout), 0));
    }
}

#[tokio::test]
async fn a_stream_that_never_begins_ends_at_the_first_token_deadline_whatever_it_comments() {
    let provider = Provider::start().await;
    let house = behind(&provider, "first_token_timeout = \"300ms\"").await;
    let asked = asking(&house, &chat("hello", &json!({"stream": true})));
    let mut call = provider.call().await;
    call.begin_stream().await;
    call.send(": keep-alive\n\n: keep-alive\n\n").await;
    let answer = asked.await.unwrap();
    assert_eq!((answer.status, answer.events().len()), (200, 1), "{}", answer.text);
    assert!(last_error(&answer)["message"].as_str().unwrap().contains("did not begin"), "{}", answer.text);
    call.hung_up().await;
    let record = record(&house).await;
    assert_eq!((record.error, record.ttft_us), (Some(ErrorKind::Timeout), None));
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_at_the_idle_deadline_with_its_tokens_counted() {
    let provider = Provider::start().await;
    let house = behind(&provider, "idle_timeout = \"200ms\"").await;
    let asked = asking(&house, &chat("hello", &json!({"stream": true})));
    let mut call = provider.call().await;
    call.begin_stream().await;
    call.send(WORD).await;
    // Half a frame is no sign of an end, and nothing of it may stand before the error.
    call.send(&WORD[..40]).await;
    let answer = asked.await.unwrap();
    assert!(answer.text.starts_with(WORD), "{}", answer.text);
    assert_eq!(answer.events().len(), 2, "{}", answer.text);
    assert!(last_error(&answer)["message"].as_str().unwrap().contains("silent"), "{}", answer.text);
    call.hung_up().await;
    let record = record(&house).await;
    assert_eq!((record.error, record.answer_chars), (Some(ErrorKind::Timeout), 5));
    assert_eq!(record.usage.unwrap().source, UsageSource::Estimate);
}

#[tokio::test]
async fn an_answer_that_never_ends_meets_the_total_deadline() {
    // A word every ten milliseconds: never silent, never done.
    let length = mocks::Length { median_tokens: 100_000.0, sigma: 0.0, tokens_max: 100_000 };
    let endless = Profile { answer: length, ..slow(1.0, 10.0) };
    let deadline = "total_timeout = \"2s\"";
    let house = Plan { openai: endless, openai_extra: deadline, ..Plan::default() }.build().await;
    let answer = house.ask(&chat("hello", &json!({"stream": true}))).await;
    assert!(answer.events().len() > 2, "it had begun: {}", answer.text);
    assert!(last_error(&answer)["message"].as_str().unwrap().contains("longer than it may"), "{}", answer.text);
    // A whole answer: nothing has gone to the client yet.
    let answer = house.ask(&chat("hello", &json!({}))).await;
    assert_eq!((answer.status, &error(&answer.text)["code"]), (504, &json!("upstream_timeout")));
    let kinds: Vec<_> = house.records().await.iter().map(|record| record.error).collect();
    assert_eq!(kinds, [Some(ErrorKind::Timeout); 2]);
}

#[tokio::test]
async fn a_whole_answer_that_stands_still_is_cut_so_that_nobody_takes_it_for_whole() {
    let provider = Provider::start().await;
    let house = behind(&provider, "idle_timeout = \"200ms\"").await;
    let request = house.client.post(house.url()).json(&chat("hello", &json!({})));
    let asked = tokio::spawn(async move { request.send().await });
    let mut call = provider.call().await;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", WHOLE.len());
    call.send(head + &WHOLE[..50]).await;
    // Either the beginning has reached the client and is cut, or nothing has and the status says it.
    match asked.await.unwrap() {
        Ok(response) if response.status() == 200 => drop(response.text().await.unwrap_err()),
        Ok(response) => assert_eq!(response.status(), 504),
        Err(error) => assert!(error.is_request() || error.is_body(), "{error}"),
    }
    assert_eq!(record(&house).await.error, Some(ErrorKind::Timeout));
}
