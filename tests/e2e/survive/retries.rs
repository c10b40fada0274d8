//! What is tried again, how often, and what the client is told otherwise.

use super::*;

#[tokio::test]
async fn a_second_try_mends_what_it_can_and_waits_as_long_as_it_is_told() {
    let provider = Provider::start().await;
    let house = behind(&provider, "retry = { attempts_max = 3 }").await;
    let asked = asking(&house, &chat("hello", &json!({})));
    let first = provider.call().await;
    let body = first.body.clone();
    first.answer(503, "", "{}").await;
    let second = provider.call().await;
    assert_eq!(second.body, body);
    let told = Instant::now();
    second.answer(429, "retry-after-ms: 250\r\n", "{\"error\":{\"message\":\"slow down\"}}").await;
    let third = provider.call().await;
    assert!(told.elapsed() >= Duration::from_millis(250), "it came back after {:?}", told.elapsed());
    third.answer(200, "", WHOLE).await;
    assert_eq!(asked.await.unwrap().text, WHOLE);
    let record = record(&house).await;
    assert_eq!((record.attempts, record.status, record.error), (3, 200, None));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_handed_on_to_the_client() {
    let provider = Provider::start().await;
    let house = behind(&provider, "").await;
    let asked = asking(&house, &chat("hello", &json!({})));
    let refusal =
        "{\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}";
    provider.call().await.answer(429, "retry-after: 17\r\nretry-after-ms: 17000\r\n", refusal).await;
    let answer = asked.await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after"), answer.header("retry-after-ms")), (429, "17", "17000"));
    assert_eq!(error(&answer.text)["code"], "rate_limit_exceeded");
    let record = record(&house).await;
    assert_eq!((record.attempts, record.status, record.error), (1, 429, Some(ErrorKind::RateLimit)));
}

#[tokio::test]
async fn nothing_is_tried_again_once_the_answer_has_begun() {
    for body in [json!({"stream": true}), json!({})] {
        let provider = Provider::start().await;
        let house = behind(&provider, "retry = { attempts_max = 5 }").await;
        let request = house.client.post(house.url()).json(&chat("hello", &body));
        let asked = tokio::spawn(async move { request.send().await.unwrap().text().await });
        let mut call = provider.call().await;
        if body["stream"] == true {
            call.begin_stream().await;
            call.send(WORD).await;
        } else {
            call.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{").await;
        }
        drop(call);
        let read = asked.await.unwrap();
        let told = read.as_ref().map_or(body["stream"] != true, |text| text.contains("\"error\""));
        assert!(told, "{read:?}");
        let record = record(&house).await;
        assert_eq!((record.attempts, record.error), (1, Some(ErrorKind::Truncated)));
        let providers = house.admin("/admin/v1/providers").await.json();
        assert_eq!(providers["openai"]["serving"]["attempts"], 1);
    }
}

#[tokio::test]
async fn retries_of_a_provider_that_is_down_for_everybody_are_few() {
    let down = Profile { faults: Faults { error_500: 1.0, ..Faults::default() }, ..Profile::instant() };
    // The share of twenty requests would be two; three are always allowed.
    let extra = "retry = { attempts_max = 10, wait_max = \"1ms\" }\nbreaker = false";
    let house = Plan { openai: down, openai_extra: extra, ..Plan::default() }.build().await;
    for index in 0..20 {
        let answer = house.ask(&chat(&format!("q {index}"), &json!({}))).await;
        assert_eq!((answer.status, error(&answer.text)["type"].is_string()), (500, true));
    }
    assert_eq!(house.openai.requests().counts().received, 23);
    let records = house.records().await;
    assert_eq!(records.iter().map(|record| record.attempts).sum::<u32>(), 23);
}
