//! Words every service shares: ids, money, pages.

pub mod id;
mod money;
pub mod page;

pub use money::Money;
pub use page::{Page, PageToken, PageTokenError};
