//! Compiles every file under `proto/` without needing `protoc` on the machine.

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, Kind, Value};
use prost_types::field_descriptor_proto;

const ROOT: &str = "../../proto";
const RULES: &str = "../../vendor/prost-protovalidate-types/proto";

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by variables")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={ROOT}");
    let mut files = Vec::new();
    find(Path::new(ROOT), &mut files)?;
    files.sort();
    // As bytes: prost's own descriptor types would lose the validation rules.
    let encoded = protox::Compiler::new([ROOT, RULES])?
        .include_imports(true)
        .include_source_info(true)
        .open_files(files)?
        .encode_file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = out.join("descriptors.bin");
    fs::write(&descriptors, &encoded)?;
    let mut config = tonic_prost_build::Config::new();
    config.bytes(["."]);
    // Sorted maps encode the same way each time, so that a request has one fingerprint.
    config.btree_map(["."]);
    config.enable_type_names();
    tonic_prost_build::configure()
        .include_file("tree.rs")
        .extern_path(".buf.validate", "::prost_protovalidate_types::buf::validate")
        .compile_fds_with_config(
            prost_types::FileDescriptorSet::decode(encoded.as_slice())?,
            config,
        )?;
    prost_protovalidate_build::Builder::new()
        .file_descriptor_set_bytes(without_nul(&encoded)?)
        // A rule that would silently not be checked stops the build.
        .fail_on_runtime_only(true)
        .compile()?;
    let set = prost_types::FileDescriptorSet::decode(encoded.as_slice())?;
    let rules = out.join("validate_impl.rs");
    let mut code = fs::read_to_string(&rules)?;
    code.push_str(&unruled_requests(&set, &code));
    fs::write(&rules, code)?;
    Ok(())
}

/// Adds to the rules of `encoded` that texts have no NUL, which databases cannot store. The code that
/// is generated from rules cannot look into choices (`oneof`): what is in these is stored encoded.
fn without_nul(encoded: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let pool = DescriptorPool::decode(encoded)?;
    let set = pool.get_message_by_name("google.protobuf.FileDescriptorSet").ok_or("no set")?;
    let rules = pool.get_extension_by_name("buf.validate.field").ok_or("no rules")?;
    let mut set = DynamicMessage::decode(set, encoded)?;
    let choices = choices(&pool);
    for file in messages(&mut set, "file") {
        let package = text(file, "package");
        for message in messages(file, "message_type") {
            let name = format!("{package}.{}", text(message, "name"));
            if package.starts_with("sartiq.") && !choices.contains(&name) {
                forbid_nul(message, &rules);
            }
        }
    }
    Ok(set.encode_to_vec())
}

/// The names of the messages that may be somewhere in a choice.
fn choices(pool: &DescriptorPool) -> HashSet<String> {
    let mut names = HashSet::new();
    let in_choices = pool.all_messages().flat_map(|it| it.oneofs().collect::<Vec<_>>());
    let fields =
        in_choices.filter(|it| !it.is_synthetic()).flat_map(|it| it.fields().collect::<Vec<_>>());
    let mut fields: Vec<_> = fields.collect();
    while let Some(field) = fields.pop() {
        if let Kind::Message(message) = field.kind()
            && names.insert(message.full_name().to_owned())
        {
            fields.extend(message.fields());
        }
    }
    names
}

/// Forbids NUL in the texts of `message`.
fn forbid_nul(message: &mut DynamicMessage, rules: &ExtensionDescriptor) {
    for field in messages(message, "field") {
        let number = |name| field.get_field_by_name(name).and_then(|it| it.as_enum_number());
        let is_choice = field.has_field_by_name("oneof_index")
            && field.get_field_by_name("proto3_optional").is_none_or(|it| *it != Value::Bool(true));
        if is_choice || number("type") != Some(field_descriptor_proto::Type::String as i32) {
            continue;
        }
        let is_list = number("label") == Some(field_descriptor_proto::Label::Repeated as i32);
        let rules = entry(field, "options").get_extension_mut(rules).as_message_mut();
        let rules = rules.expect("rules are a message");
        let rules = if is_list { entry(entry(rules, "repeated"), "items") } else { rules };
        entry(rules, "string").set_field_by_name("not_contains", Value::String("\0".to_owned()));
    }
}

fn text(message: &DynamicMessage, name: &str) -> String {
    let value = message.get_field_by_name(name);
    value.and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The messages in the list `name` of `message`.
fn messages<'a>(
    message: &'a mut DynamicMessage,
    name: &str,
) -> impl Iterator<Item = &'a mut DynamicMessage> {
    let list = message.get_field_by_name_mut(name).and_then(Value::as_list_mut);
    list.into_iter().flatten().filter_map(Value::as_message_mut)
}

/// The message in the field `name` of `message`, which is made if there is none.
fn entry<'a>(message: &'a mut DynamicMessage, name: &str) -> &'a mut DynamicMessage {
    message.get_field_by_name_mut(name).and_then(Value::as_message_mut).expect("it is in the rules")
}

/// Requests without a rule are valid as they are, and say so: services validate every request
/// without knowing which has rules.
fn unruled_requests(set: &prost_types::FileDescriptorSet, ruled: &str) -> String {
    let mut code = String::new();
    for file in set.file.iter().filter(|it| it.package().starts_with("sartiq.")) {
        for message in file.message_type.iter().filter(|it| it.name().ends_with("Request")) {
            let path = format!("{}::{}", file.package().replace('.', "::"), message.name());
            if !ruled.contains(&format!("for {path} {{")) {
                code.push_str(&format!(
                    "impl ::prost_protovalidate::Validate for {path} {{\n    fn validate(&self) -> \
                     ::core::result::Result<(), ::prost_protovalidate::ValidationError> {{\n        \
                     Ok(())\n    }}\n}}\n"
                ));
            }
        }
    }
    code
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|it| it == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
