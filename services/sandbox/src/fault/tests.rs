//! When rules fire.

use serde_json::json;

use super::*;

fn submit(endpoint: &str) -> Subject<'_> {
    Subject { operation: Operation::Submit, endpoint: Some(endpoint), request_id: None }
}

fn fired(rule: Value, endpoints: &[&str]) -> Result<Vec<bool>, String> {
    let faults = Faults::default();
    faults.add(rule)?;
    Ok(endpoints.iter().map(|it| !faults.fire(submit(it)).is_empty()).collect())
}

fn hang(matches: Value) -> Value {
    json!({"match": matches, "fault": {"kind": "hang"}})
}

#[test]
fn endpoints_are_globs() -> Result<(), String> {
    let names = ["fal-ai/flux/dev", "fal-ai/flux-2-pro/edit", "fal-ai/esrgan"];
    assert_eq!(fired(hang(json!({"endpoint": "fal-ai/flux*"})), &names)?, [true, true, false]);
    assert_eq!(fired(hang(json!({"endpoint": "*/edit"})), &names)?, [false, true, false]);
    assert_eq!(fired(hang(json!({"endpoint": "fal-ai/esrga?"})), &names)?, [false, false, true]);
    assert_eq!(fired(hang(json!({})), &names)?, [true; 3]);
    assert_eq!(fired(hang(json!({"operation": "cancel"})), &names)?, [false; 3]);
    Ok(())
}

#[test]
fn counts_are_kept() -> Result<(), String> {
    let names = ["a/b"; 5];
    let rule = |it| fired(hang(it), &names);
    assert_eq!(rule(json!({"nth": 2}))?, [false, true, false, false, false]);
    assert_eq!(rule(json!({"times": 2}))?, [true, true, false, false, false]);
    assert_eq!(rule(json!({"after": 3}))?, [false, false, false, true, true]);
    assert_eq!(rule(json!({"after": 1, "nth": 2}))?, [false, false, true, false, false]);
    Ok(())
}

#[test]
fn chance_repeats_itself() -> Result<(), String> {
    let names = ["a/b"; 400];
    let rule = |seed: u64| fired(hang(json!({"probability": 0.25, "seed": seed})), &names);
    assert_eq!(rule(1)?, rule(1)?);
    assert_ne!(rule(1)?, rule(2)?);
    let n_fired = rule(3)?.into_iter().filter(|it| *it).count();
    assert!((60..140).contains(&n_fired), "{n_fired}");
    Ok(())
}

#[test]
fn nonsense_is_refused() {
    let faults = Faults::default();
    for nonsense in [
        json!({"fault": {"kind": "sabotage"}}),
        json!({"match": {"endpont": "a"}, "fault": {"kind": "hang"}}),
        json!({"fault": {"kind": "error"}}),
        json!({"fault": {"kind": "error", "name": "no such thing"}}),
        json!({"match": {"probability": 2}, "fault": {"kind": "hang"}}),
        json!({"rules": 7}),
    ] {
        assert!(faults.add(nonsense.clone()).is_err(), "{nonsense}");
    }
    assert_eq!(faults.list(), json!({"rules": []}));
}

#[test]
fn rules_are_removed_by_id() -> Result<(), String> {
    let faults = Faults::default();
    faults.add(json!([hang(json!({})), hang(json!({"operation": "status"}))]))?;
    assert!(faults.remove(1));
    assert!(!faults.remove(1));
    assert_eq!(faults.list()["rules"][0]["id"], 2);
    faults.clear();
    assert!(faults.fire(submit("a/b")).is_empty());
    Ok(())
}
