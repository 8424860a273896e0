//! As published, but compiled by `protox`, so that no `protoc` is needed on the machine.

use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("file_descriptor_set.bin");
    let files = &["buf/validate/validate.proto"];
    let set = protox::Compiler::new(["proto"])?
        .include_imports(true)
        .include_source_info(true)
        .open_files(files)?
        .encode_file_descriptor_set();
    fs::write(&out, set)?;
    let mut config = prost_build::Config::new();
    config.skip_protoc_run();
    #[cfg(feature = "reflect")]
    prost_reflect_build::Builder::new()
        .file_descriptor_set_path(&out)
        .descriptor_pool("DESCRIPTOR_POOL")
        .compile_protos_with_config(config, files, &["proto"])?;
    #[cfg(not(feature = "reflect"))]
    config.file_descriptor_set_path(&out).compile_protos(files, &["proto"])?;
    Ok(())
}
