//! Compiles every file under `proto/` without needing `protoc` on the machine.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;

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
        .file_descriptor_set_path(descriptors)?
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
