//! Words every service shares: ids, money, pages, versions, and what is wrong with a request.

mod cause;
pub mod field;
pub mod id;
mod mask;
mod money;
pub mod page;
mod version;

pub use cause::chain;
pub use field::Findings;
pub use mask::Mask;
pub use money::Money;
pub use page::{Page, PageToken, PageTokenError};
pub use version::{EtagMismatch, Version};
