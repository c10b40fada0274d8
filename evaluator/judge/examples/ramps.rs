fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = args.get(1).cloned().unwrap_or_default();
    let scenario = judge::simulate::Scenario::parse(&text).unwrap();
    let policy = judge::policy::Policy::parse(args.get(2).map_or("", |s| s)).unwrap();
    let n: u64 = args.get(3).map_or(10, |s| s.parse().unwrap());
    let start = std::time::Instant::now();
    for run in 0..n {
        let r = judge::simulate::ramp(&scenario, &Default::default(), &policy, 1, run);
        println!("{:?} {} harm {:.1} pairs {} served {} {:?}", r.end, r.minute, r.extra_failures, r.pairs, r.candidate_requests, r.stopped_by);
    }
    println!("{:?} per ramp", start.elapsed() / n as u32);
}
