use super::{Events, House, told};
use crate::console::STREAMS_MAX;
use std::time::Duration;

#[tokio::test]
async fn everything_comes_first_and_then_what_is_new_without_the_curves() {
    let house = House::build(5.0).await;
    let mut events = Events::open(house.token("GET", "/console/events")).await;
    let (name, hello) = events.next().await.unwrap();
    assert_eq!((name.as_str(), hello["history"].is_object()), ("hello", true));
    let (_, now) = events.find(|name, _| name == "now").await;
    assert_eq!((now["schema"].as_str(), now.get("history")), (Some("weighbridge.console/1"), None));
    assert!(now["at_us"].as_i64() >= hello["at_us"].as_i64());
}

#[tokio::test]
async fn streams_are_bounded_and_one_that_ends_makes_room() {
    let house = House::build(5.0).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS_MAX {
        open.push(Events::open(house.token("GET", "/console/events")).await);
    }
    let beyond = told(house.token("GET", "/console/events")).await;
    assert_eq!((beyond.status, beyond.code().as_str()), (503, "too_many_streams"));
    assert_eq!(beyond.header("retry-after"), "10");
    assert_eq!(told(house.token("GET", "/admin/v1/console")).await.status, 200, "once can be read all the same");
    open.pop();
    // The gateway notices with the next document that nobody takes it.
    while told_status(&house).await != 200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn told_status(house: &House) -> u16 {
    house.token("GET", "/console/events").send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let house = House::build(5.0).await;
    let (cookie, other) = (house.log_in().await, house.log_in().await);
    let mut events = Events::open(house.page(&cookie, "GET", "/console/events")).await;
    let mut stays = Events::open(house.page(&other, "GET", "/console/events")).await;
    events.next().await.unwrap();
    assert_eq!(told(house.page(&cookie, "DELETE", "/console/session")).await.status, 204);
    events.find(|name, _| name == "bye").await;
    assert!(events.next().await.is_none());
    stays.find(|name, _| name == "now").await;
}

#[tokio::test]
async fn open_streams_say_how_a_stop_goes_on_and_hold_it_up_for_nothing() {
    let house = House::build(5.0).await;
    let mut read = Events::open(house.token("GET", "/console/events")).await;
    // One that nobody reads.
    let unread = Events::open(house.token("GET", "/console/events")).await;
    read.next().await.unwrap();
    let House { running, client } = house;
    let stopped = tokio::spawn(running.shutdown());
    let (_, _) = read.find(|name, _| name == "bye").await;
    assert!(read.next().await.is_none());
    let begun = std::time::Instant::now();
    stopped.await.unwrap();
    // The bound of the admin plane's last phase is two seconds; a busy machine gets ten times as much.
    assert!(begun.elapsed() < Duration::from_secs(20));
    drop((unread, client));
}
