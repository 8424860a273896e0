//! Who may call what: one table, complete by test. What is not in it is refused.

mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::{Caller, Role};

/// Who may call a method.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Anybody, without a token.
    Public,
    /// Any user who is signed in, a member of an organization or not.
    User,
    /// Whoever proves to be one of these.
    Granted {
        /// Users with one of these roles in the organization that their token names.
        roles: &'static [Role],
        /// Services with one of these names; `provider-*` stands for all that begin so.
        services: &'static [&'static str],
    },
}

impl Access {
    /// Lets these services in, too.
    const fn and(self, services: &'static [&'static str]) -> Self {
        match self {
            Self::Public | Self::User => self,
            Self::Granted { roles, .. } => Self::Granted { roles, services },
        }
    }

    /// Tells whether `caller` may pass.
    pub fn admits(&self, caller: &Caller) -> bool {
        match (self, &caller.service) {
            (Self::Public, _) => true,
            (Self::User, service) => service.is_none() && caller.user_id.is_some(),
            (Self::Granted { services, .. }, Some(name)) => {
                services.iter().any(|it| is_named(it, name))
            }
            (Self::Granted { roles, .. }, None) => {
                caller.role.is_some_and(|role| roles.contains(&role))
            }
        }
    }
}

fn is_named(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

/// What one service of the contract lets whom do.
struct Service {
    name: &'static str,
    methods: &'static [(&'static str, Access)],
}

static ACCESS: LazyLock<HashMap<String, &'static Access>> = LazyLock::new(|| table().collect());

/// Returns who may call the method at `path`, such as `/sartiq.catalog.v1.ProductService/GetProduct`.
pub fn of(path: &str) -> Option<&'static Access> {
    ACCESS.get(path).copied()
}

/// Returns every row of the table: the path of a method and who may call it.
pub fn table() -> impl Iterator<Item = (String, &'static Access)> {
    table::SERVICES.iter().flat_map(|services| services.iter()).flat_map(|service| {
        let rows = service.methods.iter();
        rows.map(|(method, access)| (format!("/{}/{method}", service.name), access))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::method;

    #[test]
    fn every_method_of_the_contract_has_exactly_one_row() {
        let mut rows = BTreeMap::<String, usize>::new();
        for (path, _) in table() {
            *rows.entry(path).or_default() += 1;
        }
        let doubled: Vec<_> = rows.iter().filter(|(_, count)| 1 < **count).collect();
        assert!(doubled.is_empty(), "more than one row: {doubled:?}");
        let rows: BTreeSet<_> = rows.into_keys().collect();
        let methods: BTreeSet<_> = method::paths().map(str::to_owned).collect();
        let missing: Vec<_> = methods.difference(&rows).collect();
        assert!(missing.is_empty(), "no row: {missing:#?}");
        let idle: Vec<_> = rows.difference(&methods).collect();
        assert!(idle.is_empty(), "no such method: {idle:#?}");
    }

    #[test]
    fn somebody_may_call_everything() {
        for (path, access) in table() {
            if let Access::Granted { roles, services } = access {
                assert!(!roles.is_empty() || !services.is_empty(), "{path}");
            }
        }
    }

    #[test]
    fn services_are_not_members_and_members_are_no_services() {
        let access = Access::Granted { roles: &[Role::Owner], services: &["provider-*"] };
        let service = |name: &str| Caller { service: Some(name.into()), ..Caller::default() };
        assert!(access.admits(&service("provider-fal")));
        assert!(!access.admits(&service("provider")));
        assert!(!access.admits(&service("media")));
        assert!(!access.admits(&Caller { role: Some(Role::Owner), ..service("media") }));
        assert!(access.admits(&Caller { role: Some(Role::Owner), ..Caller::default() }));
        assert!(!access.admits(&Caller { role: Some(Role::Admin), ..Caller::default() }));
        assert!(!access.admits(&Caller::default()));
    }
}
