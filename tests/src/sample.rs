//! Requests made from the contract: valid where they can be, and pointing at given objects.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    Value,
};

use crate::{Result, request_id};

/// How deep messages are filled.
const DEPTH: usize = 5;

/// The methods of the contract, by path.
pub fn methods() -> Result<BTreeMap<String, MethodDescriptor>> {
    let pool = DescriptorPool::decode(api::FILE_DESCRIPTOR_SET)?;
    let services = pool.services().filter(|it| it.package_name().starts_with("sartiq."));
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    Ok(methods
        .map(|it| (format!("/{}/{}", it.parent_service().full_name(), it.name()), it))
        .collect())
}

/// Makes a request of `method`. Ids are taken from `ids`: `id` by the noun of the service, others by
/// the name of the field. Answers also whether any was used, and whether that was `id` itself.
pub fn request(method: &MethodDescriptor, ids: &BTreeMap<&str, String>) -> (Bytes, Used) {
    let service = method.parent_service();
    let noun = snake(service.name().trim_end_matches("Service"));
    let mut maker = Maker { ids, noun, used: Used::Nothing };
    let message = maker.message(&method.input(), 0);
    (message.encode_to_vec().into(), maker.used)
}

/// What a request points at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Used {
    /// Nothing that exists.
    Nothing,
    /// Something, by a reference.
    Reference,
    /// The object that it is about.
    Itself,
}

struct Maker<'a> {
    ids: &'a BTreeMap<&'a str, String>,
    noun: String,
    used: Used,
}

impl Maker<'_> {
    fn message(&mut self, descriptor: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        if DEPTH < depth {
            return message;
        }
        for field in descriptor.fields() {
            // Of alternatives the first is taken.
            let is_other = field.containing_oneof().is_some_and(|it| {
                it.fields().next().is_some_and(|first| first.number() != field.number())
            });
            if is_other || field.is_map() {
                continue;
            }
            if let Some(value) = self.value(&field, depth) {
                let value = if field.is_list() { Value::List(vec![value]) } else { value };
                message.set_field(&field, value);
            }
        }
        message
    }

    fn value(&mut self, field: &FieldDescriptor, depth: usize) -> Option<Value> {
        match field.kind() {
            Kind::String => self.text(field).map(Value::String),
            Kind::Enum(_) => Some(Value::EnumNumber(1)),
            Kind::Message(of) if of.full_name() == "google.protobuf.FieldMask" => {
                let mut mask = DynamicMessage::new(of.clone());
                let paths = of.get_field_by_name("paths")?;
                mask.set_field(&paths, Value::List(vec![Value::String("name".to_owned())]));
                Some(Value::Message(mask))
            }
            Kind::Message(of) if of.full_name().starts_with("google.protobuf.") => None,
            Kind::Message(of) => Some(Value::Message(self.message(&of, depth + 1))),
            Kind::Int32 if field.name() == "number" => Some(Value::I32(1)),
            Kind::Int64 if field.name() == "size_bytes" => Some(Value::I64(1)),
            _ => None,
        }
    }

    fn text(&mut self, field: &FieldDescriptor) -> Option<String> {
        let name = field.name();
        let singular = match name {
            "id" | "ids" => self.noun.clone(),
            name => match name.strip_suffix("_ids").or_else(|| name.strip_suffix("_id")) {
                Some("request") => return Some(request_id()),
                Some("parent_prediction") => "prediction".to_owned(),
                Some("portrait_media") => "media".to_owned(),
                Some("access_key") => return Some("key".to_owned()),
                Some(noun) => noun.to_owned(),
                None => return plain(name),
            },
        };
        let id = self.ids.get(singular.as_str())?.clone();
        if matches!(name, "id" | "ids") {
            self.used = Used::Itself;
        } else if self.used == Used::Nothing {
            self.used = Used::Reference;
        }
        Some(id)
    }
}

fn plain(name: &str) -> Option<String> {
    let text = match name {
        "page_token" | "etag" | "cursor" | "search" | "secret_access_key" | "prefix" | "sku" => {
            return None;
        }
        "email" => "somebody@example.com",
        "endpoint_url" => "https://store.example.com",
        "media_type" => "image/png",
        "entity_type" => "product",
        "handle" | "code" => "x1",
        "name" => "abc",
        "password" => "a long enough password",
        "node" => "image_0",
        "provider" => "fal",
        _ => "x",
    };
    Some(text.to_owned())
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
