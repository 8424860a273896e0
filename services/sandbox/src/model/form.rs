//! Reading an input field by field, and complaining as the vendor does: all of it at once.

use pixels::Kind;
use serde_json::{Map, Value, json};

use crate::refusal::Problem;

/// Where a picture comes from: a URL, or a data URI that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) url: String,
    /// The field that named it, for complaints.
    pub(crate) field: &'static str,
    pub(crate) index: Option<usize>,
}

/// An input that is being read.
pub(crate) struct Form<'a> {
    body: Option<&'a Map<String, Value>>,
    problems: Vec<Problem>,
}

impl<'a> Form<'a> {
    pub(crate) fn new(body: &'a Value) -> Self {
        let mut form = Self { body: body.as_object(), problems: Vec::new() };
        if form.body.is_none() {
            form.complain(Problem::new(
                "",
                None,
                "dict_type",
                "Input should be a valid dictionary",
            ));
        }
        form
    }

    /// What was wrong.
    pub(crate) fn problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Notes something that is wrong.
    pub(crate) fn complain(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Whether a field is there and not null.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.value(field).is_some()
    }

    pub(super) fn value(&self, field: &str) -> Option<&'a Value> {
        self.body?.get(field).filter(|it| !it.is_null())
    }

    /// A text that must be there.
    pub(crate) fn text(&mut self, field: &'static str, most: usize) -> String {
        match self.value(field) {
            Some(_) => self.optional_text(field, most).unwrap_or_default(),
            None => self.missing(field),
        }
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&mut self, field: &'static str, most: usize) -> Option<String> {
        let value = self.value(field)?;
        let Some(text) = value.as_str() else {
            self.wrong(field, "string_type", "Input should be a valid string");
            return None;
        };
        if text.chars().count() > most {
            let msg = format!("String should have at most {most} characters");
            let problem = Problem::new(field, None, "string_too_long", msg);
            self.complain(problem.with(json!({"max_length": most})));
        }
        Some(text.to_owned())
    }

    /// One of several words.
    pub(crate) fn choice(
        &mut self,
        field: &'static str,
        allowed: &[&str],
        default: &str,
    ) -> String {
        match self.value(field) {
            None => default.to_owned(),
            Some(Value::String(word)) if allowed.contains(&word.as_str()) => word.clone(),
            Some(_) => {
                let words: Vec<String> = allowed.iter().map(|it| format!("'{it}'")).collect();
                let msg = format!("Input should be {}", words.join(" or "));
                let problem = Problem::new(field, None, "one_of", msg);
                self.complain(problem.with(json!({"expected": allowed})));
                default.to_owned()
            }
        }
    }

    /// A whole number.
    pub(crate) fn whole(
        &mut self,
        field: &'static str,
        least: i64,
        most: i64,
        default: i64,
    ) -> i64 {
        let Some(value) = self.value(field) else { return default };
        let Some(number) = value.as_i64() else {
            self.wrong(field, "int_type", "Input should be a valid integer");
            return default;
        };
        self.bounded(field, number as f64, least as f64, most as f64);
        number.clamp(least, most)
    }

    /// A number.
    pub(crate) fn number(
        &mut self,
        field: &'static str,
        least: f64,
        most: f64,
        default: f64,
    ) -> f64 {
        let Some(value) = self.value(field) else { return default };
        let Some(number) = value.as_f64() else {
            self.wrong(field, "float_type", "Input should be a valid number");
            return default;
        };
        self.bounded(field, number, least, most);
        number.clamp(least, most)
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, field: &'static str, default: bool) -> bool {
        match self.value(field) {
            None => default,
            Some(Value::Bool(it)) => *it,
            Some(_) => {
                self.wrong(field, "bool_type", "Input should be a valid boolean");
                default
            }
        }
    }

    /// The seed, or a new one.
    pub(crate) fn seed(&mut self) -> u64 {
        match self.value("seed") {
            None => u64::from(rand::random::<u32>()),
            Some(value) => match value.as_u64() {
                Some(seed) => seed,
                None => {
                    let problem = Problem::new(
                        "seed",
                        None,
                        "greater_than_equal",
                        "Input should be a whole number greater than or equal to 0",
                    );
                    self.complain(problem.with(json!({"ge": 0})));
                    0
                }
            },
        }
    }

    /// A picture that must be there.
    pub(crate) fn picture(&mut self, field: &'static str) -> Source {
        match self.value(field) {
            Some(_) => self.optional_picture(field).unwrap_or_else(|| nowhere(field)),
            None => {
                self.missing(field);
                nowhere(field)
            }
        }
    }

    /// A picture that may be absent.
    pub(crate) fn optional_picture(&mut self, field: &'static str) -> Option<Source> {
        let value = self.value(field)?;
        self.source(field, None, value)
    }

    /// Pictures, at least one.
    pub(crate) fn pictures(&mut self, field: &'static str, most: usize) -> Vec<Source> {
        let Some(value) = self.value(field) else {
            self.missing(field);
            return Vec::new();
        };
        let Some(list) = value.as_array() else {
            self.wrong(field, "list_type", "Input should be a valid list");
            return Vec::new();
        };
        if list.is_empty() {
            let msg = "List should have at least 1 item after validation, not 0";
            let problem = Problem::new(field, None, "sequence_too_short", msg);
            self.complain(problem.with(json!({"min_length": 1, "actual_length": 0})));
        }
        if list.len() > most {
            let msg = format!(
                "List should have at most {most} items after validation, not {}",
                list.len()
            );
            let problem = Problem::new(field, None, "sequence_too_long", msg);
            self.complain(problem.with(json!({"max_length": most, "actual_length": list.len()})));
            return Vec::new();
        }
        let sources = list.iter().enumerate();
        sources.filter_map(|(index, it)| self.source(field, Some(index), it)).collect()
    }

    /// The format that was asked for.
    pub(crate) fn format(&mut self, allowed: &[&str], default: &str) -> Kind {
        match self.choice("output_format", allowed, default).as_str() {
            "jpeg" | "jpg" => Kind::Jpeg,
            "webp" => Kind::Webp,
            "gif" => Kind::Gif,
            _ => Kind::Png,
        }
    }

    fn source(
        &mut self,
        field: &'static str,
        index: Option<usize>,
        value: &Value,
    ) -> Option<Source> {
        let url = value.as_str().unwrap_or_default();
        let is_address = ["https://", "http://", "data:"].iter().any(|it| url.starts_with(it));
        if !is_address {
            let msg = "Input should be a valid URL or data URI";
            self.complain(Problem::new(field, index, "url_parsing", msg));
            return None;
        }
        Some(Source { url: url.to_owned(), field, index })
    }

    fn bounded(&mut self, field: &'static str, number: f64, least: f64, most: f64) {
        if number < least {
            let msg = format!("Input should be greater than or equal to {least}");
            let problem = Problem::new(field, None, "greater_than_equal", msg);
            self.complain(problem.with(json!({"ge": least})));
        }
        if number > most {
            let msg = format!("Input should be less than or equal to {most}");
            let problem = Problem::new(field, None, "less_than_equal", msg);
            self.complain(problem.with(json!({"le": most})));
        }
    }

    fn missing(&mut self, field: &'static str) -> String {
        self.wrong(field, "missing", "Field required");
        String::new()
    }

    fn wrong(&mut self, field: &'static str, kind: &str, msg: &str) {
        self.complain(Problem::new(field, None, kind, msg));
    }
}

/// Stands for a picture that was complained about: the order it is in is never carried out.
fn nowhere(field: &'static str) -> Source {
    Source { url: String::new(), field, index: None }
}
