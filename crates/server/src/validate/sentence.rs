//! Sentences about broken rules, to be shown beside the field they are about.

/// Returns what a person should read about a broken rule.
///
/// The rules' own texts are about types (`value length must be at least 1 characters`) and some
/// are empty; ours begin with `must` and fit behind the name of a field.
pub(super) fn of(rule: &str, text: &str) -> String {
    if let Some(sentence) = fixed(rule) {
        return sentence.to_owned();
    }
    let numbers: Vec<_> =
        text.split_whitespace().filter(|word| word.parse::<f64>().is_ok()).collect();
    let counted = numbers.first().and_then(|number| counted(rule, number));
    counted.or_else(|| bounded(rule, &numbers)).unwrap_or_else(|| fallback(rule, text))
}

fn fixed(rule: &str) -> Option<&'static str> {
    Some(match rule {
        "required" => "must be given",
        "string.uuid" | "string.uuid_empty" | "string.tuuid" | "string.tuuid_empty" => {
            "must be a UUID"
        }
        "string.email" | "string.email_empty" => "must be an e-mail address",
        "string.uri" | "string.uri_empty" => "must be a URL",
        "string.uri_ref" => "must be a URL or a part of one",
        "string.hostname" | "string.hostname_empty" => "must be the name of a host",
        "string.host_and_port" | "string.host_and_port_empty" => "must be a host and a port",
        "string.ip" | "string.ip_empty" => "must be an IP address",
        "string.ipv4" | "string.ipv4_empty" => "must be an IPv4 address",
        "string.ipv6" | "string.ipv6_empty" => "must be an IPv6 address",
        // The one thing that all texts forbid.
        "string.not_contains" => "must not have a NUL",
        "string.pattern" | "bytes.pattern" => "must have the right form",
        "repeated.unique" => "must not name the same twice",
        "enum.defined_only" => "must be one of the known values",
        // The rule's own text names them by number.
        "enum.in" => "must be one of those that this call takes",
        // Zero is what enums are when nobody chose.
        "enum.not_in" => "must be chosen",
        rule if rule.ends_with(".not_in") => "must not be this value",
        rule if rule.ends_with(".finite") => "must be a finite number",
        "timestamp.gt_now" => "must be in the future",
        "timestamp.lt_now" => "must be in the past",
        "timestamp.within" => "must be close to now",
        _ => return None,
    })
}

fn counted(rule: &str, number: &str) -> Option<String> {
    let (kind, bound) = rule.split_once('.')?;
    // The one thing that lengths of one forbid.
    let is_one = number == "1";
    Some(match (kind, bound) {
        (
            "string" | "bytes" | "repeated" | "map",
            "min_len" | "min_items" | "min_pairs" | "min_bytes",
        ) if is_one => "must not be empty".to_owned(),
        ("string", "min_len") => format!("must have at least {number} characters"),
        ("string", "max_len") => format!("must have at most {number} characters"),
        ("string", "len") => format!("must have exactly {number} characters"),
        ("string" | "bytes", "min_bytes" | "min_len") => {
            format!("must have at least {number} bytes")
        }
        ("string" | "bytes", "max_bytes" | "max_len") => {
            format!("must have at most {number} bytes")
        }
        ("string" | "bytes", "len_bytes" | "len") => format!("must have exactly {number} bytes"),
        ("repeated" | "map", "min_items" | "min_pairs") => {
            format!("must have at least {number} items")
        }
        ("repeated" | "map", "max_items" | "max_pairs") => {
            format!("must have at most {number} items")
        }
        _ => return None,
    })
}

fn bounded(rule: &str, numbers: &[&str]) -> Option<String> {
    let (_, bound) = rule.split_once('.')?;
    Some(match (bound, numbers) {
        ("gte", [least]) => format!("must be at least {least}"),
        ("gt", [least]) => format!("must be more than {least}"),
        ("lte", [most]) => format!("must be at most {most}"),
        ("lt", [most]) => format!("must be less than {most}"),
        ("gte_lte", [least, most]) => format!("must be between {least} and {most}"),
        _ => return None,
    })
}

/// Speaks of what has no words of its own here: constants, choices, times.
fn fallback(rule: &str, text: &str) -> String {
    let text = text.trim();
    // `value must be greater than or equal to 0` needs only its subject taken away.
    for subject in ["value ", "field ", "message "] {
        if let Some(rest) = text.strip_prefix(subject)
            && rest.starts_with("must")
        {
            return rest.trim_end_matches('.').to_owned();
        }
    }
    if let Some(list) = text.strip_prefix("must be in list ") {
        return format!("must be one of {}", list.trim_matches(['[', ']']));
    }
    if text.starts_with("must") {
        return text.trim_end_matches('.').to_owned();
    }
    if text.is_empty() {
        return format!("must follow the rule `{rule}`");
    }
    format!("is not valid: {}", text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn rules_without_a_text_get_one() {
        assert_eq!(of("string.uuid", ""), "must be a UUID");
        assert_eq!(of("string.email", ""), "must be an e-mail address");
        assert_eq!(of("string.ulid", ""), "must follow the rule `string.ulid`");
    }

    #[test]
    fn lengths_are_counted_in_what_people_see() {
        let text = "value length must be at least 10 characters";
        assert_eq!(of("string.min_len", text), "must have at least 10 characters");
        let text = "value length must be at least 1 characters";
        assert_eq!(of("string.min_len", text), "must not be empty");
        let text = "value must contain no more than 3 item(s)";
        assert_eq!(of("repeated.max_items", text), "must have at most 3 items");
    }

    #[test]
    fn bounds_are_said_shortly_where_there_are_words_for_them() {
        let text = "value must be greater than or equal to 0";
        assert_eq!(of("int32.gte", text), "must be at least 0");
        let text = "value must be greater than or equal to 1 and less than or equal to 4";
        assert_eq!(of("int32.gte_lte", text), "must be between 1 and 4");
        let text = "value must be greater than 0 and less than 5";
        assert_eq!(of("int32.gt_lt", text), "must be greater than 0 and less than 5");
    }

    #[test]
    fn choices_are_listed() {
        assert_eq!(of("string.in", r#"must be in list ["a", "b"]"#), r#"must be one of "a", "b""#);
        assert_eq!(of("enum.not_in", "must not be in list [0]"), "must be chosen");
    }
}
