//! Rust bindings of `proto/`: generated messages, clients and server traits, and nothing else.

#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "what is generated is not judged"
)]

include!(concat!(env!("OUT_DIR"), "/tree.rs"));
include!(concat!(env!("OUT_DIR"), "/validate_impl.rs"));

/// Every file of `proto/` and what it imports, as an encoded `FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
