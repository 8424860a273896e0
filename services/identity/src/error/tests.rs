//! The reasons that identity gives are those that its contract lists.

use std::collections::BTreeSet;

use api::sartiq::identity::v1::ErrorReason;

/// What this file's parent says, as it is written there.
const SOURCE: &str = include_str!("../error.rs");

/// What shared code answers with on identity's behalf.
const SHARED: [&str; 1] = ["REQUEST_ID_REUSED"];

#[test]
fn the_contract_lists_every_reason() {
    let reasons = SOURCE.split("fn reason").nth(1).and_then(|it| it.split("fn fields").next());
    let given: BTreeSet<_> = reasons
        .unwrap_or_default()
        .split('"')
        .skip(1)
        .step_by(2)
        .chain(SHARED)
        .map(str::to_owned)
        .collect();
    let listed: BTreeSet<_> = (1..)
        .map_while(|number| ErrorReason::try_from(number).ok())
        .filter_map(|it| it.as_str_name().strip_prefix("ERROR_REASON_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(given, listed);
}
