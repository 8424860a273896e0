//! Asks an adapter whether its vendor takes our key.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::grpc::{Field, call, fields, text};
use crate::services::{Facts, Provider};
use crate::signals;

/// Fails if the vendor answered and said no; a vendor that does not answer is not our mistake.
pub(crate) fn check(facts: &Facts, provider: &Provider) -> Result<Option<String>> {
    let name = provider.name();
    let port = |name: &str| facts.ports.get(name).copied().unwrap_or_default();
    let mut exchange = Vec::new();
    text(&mut exchange, 1, "compute");
    text(&mut exchange, 2, facts.service_keys.get("compute").map_or("", String::as_str));
    // The adapter may not have learnt identity's keys yet.
    for _ in 0..10 {
        let exchanged =
            call(port("identity"), "/sartiq.identity.v1.AuthService/ExchangeKey", "", &exchange);
        let token = exchanged.ok().and_then(|reply| token(&reply));
        let checked = token.and_then(|token| {
            call(port(&name), "/sartiq.provider.v1.ProviderService/Check", &token, &[]).ok()
        });
        if let Some(reply) = checked {
            return judge(&provider.vendor, &reply);
        }
        signals::pause(Duration::from_millis(500))?;
    }
    Ok(Some(format!("{name} does not say whether its key is good")))
}

fn token(reply: &[u8]) -> Option<String> {
    fields(reply).into_iter().find_map(|field| match field {
        (1, Field::Bytes(token)) => String::from_utf8(token.to_vec()).ok(),
        _ => None,
    })
}

fn judge(vendor: &str, reply: &[u8]) -> Result<Option<String>> {
    let fields = fields(reply);
    let is = |number| fields.contains(&(number, Field::Number(1)));
    match (is(1), is(2)) {
        (true, true) => Ok(None),
        (true, false) => {
            let vendor_name = vendor.to_uppercase().replace('-', "_");
            bail!(
                "{vendor} refuses the key in {vendor_name}_KEY; correct it, or unset it to use the \
                 sandbox"
            )
        }
        (false, _) => Ok(Some(format!("{vendor} cannot be reached; runs there will wait"))),
    }
}
