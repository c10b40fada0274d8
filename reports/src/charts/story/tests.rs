use super::*;

fn chart(weights: Vec<Weight>, marks: Vec<Mark>, lanes: Vec<Lane>) -> StoryChart {
    StoryChart {
        title: String::new(),
        description: String::new(),
        ticks: [vec![(0.0, "a".to_owned())], vec![(1.0, "b".to_owned())]],
        weights,
        marks,
        lanes,
        curves: vec![Curve {
            label: "c".to_owned(),
            last: "3".to_owned(),
            points: vec![(0.1, 1.0), (0.1, 2.0), (0.9, 3.0)],
        }],
        gaps: vec![(0.2, 0.4)],
    }
}

fn points(scene: &Scene) -> Vec<Point> {
    let of = |mark: &Drawn| match mark {
        Drawn::Path(points, _) | Drawn::Area(points, _) => points.clone(),
        Drawn::Disc(centre, _, _) => vec![*centre],
        Drawn::Text(label) => vec![label.at],
    };
    scene.marks.iter().flat_map(of).collect()
}

#[test]
fn nothing_leaves_the_picture_and_a_long_story_is_not_a_large_one() {
    let many = 20_000;
    let at = |index: usize| index as f64 / many as f64;
    let weights = (0..many).map(|i| Weight { at: at(i), percent: (i % 101) as f64, is_found: i % 7 == 0 }).collect();
    let signs = [Sign::Raise, Sign::Alarm, Sign::Failure, Sign::Pause];
    let marks = (0..many).map(|i| Mark { at: at(i), percent: Some((i % 101) as f64), sign: signs[i % 4] }).collect();
    let states = [State::Pass, State::Fail];
    let cells = (0..many).map(|i| Cell { from: at(i), to: at(i + 1), shade: Shade::State(states[i % 2]) }).collect();
    let chart = chart(weights, marks, vec![Lane { label: "errors".to_owned(), cells }]);
    for scene in [broad(&chart), narrow(&chart)] {
        for (x, y) in points(&scene) {
            assert!((-1.0..=scene.width).contains(&x) && (0.0..=scene.height).contains(&y), "{x} {y}");
        }
        let svg = crate::charts::svg::draw(&scene, "x", "broad");
        assert!(svg.len() < 350_000, "{}", svg.len());
    }
}

#[test]
fn joined_cells_show_the_worst_and_an_alarm_hides_behind_nothing() {
    let cell = |from: f64, to: f64, state| Cell { from, to, shade: Shade::State(state) };
    let cells = vec![cell(0.5, 0.5001, State::Pass), cell(0.5001, 0.5002, State::Fail), cell(0.5002, 0.9, State::Pass)];
    let marks =
        vec![Mark { at: 0.5, percent: None, sign: Sign::Pause }, Mark { at: 0.5, percent: None, sign: Sign::Alarm }];
    let scene = broad(&chart(Vec::new(), marks, vec![Lane { label: String::new(), cells }]));
    let fails = scene.marks.iter().filter(|mark| matches!(mark, Drawn::Area(corners, Ink::Fail) if corners.len() == 4));
    assert_eq!(fails.count(), 1, "the failure of a moment is seen");
    assert!(scene.marks.iter().any(|mark| matches!(mark, Drawn::Disc(_, radius, Ink::Fail) if *radius > 7.0)));
    let has_pause =
        scene.marks.iter().any(|mark| matches!(mark, Drawn::Area(corners, Ink::Text) if corners.len() == 4));
    assert!(!has_pause, "of two signs at one place the one that matters stays");
}

#[test]
fn signs_differ_in_shape() {
    let shapes: std::collections::BTreeSet<String> =
        [Sign::Raise, Sign::Lower, Sign::Rollback, Sign::Set, Sign::Alarm, Sign::Failure, Sign::Pause, Sign::Resume]
            .map(|sign| signs::icon(sign).to_string().replace(sign.ink().name(), ""))
            .into_iter()
            .collect();
    assert_eq!(shapes.len(), 8);
}
