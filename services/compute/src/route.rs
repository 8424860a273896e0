//! Routes: the lanes that a capability is tried on.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// How many runs a lane takes at once where nobody says otherwise.
pub(crate) const DEFAULT_CONCURRENCY: usize = 8;

/// What a model can be asked to do, as the number that the contract gives it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Capability(pub(crate) i16);

impl Capability {
    /// Stands for work that the engine does itself.
    pub(crate) const BUILTIN: Self = Self(0);
}

/// A model of a provider.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct LaneName {
    pub(crate) provider: Arc<str>,
    pub(crate) model: Arc<str>,
}

impl LaneName {
    pub(crate) fn new(provider: &str, model: &str) -> Self {
        Self { provider: provider.into(), model: model.into() }
    }
}

impl fmt::Display for LaneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// One lane of a route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Leg {
    pub(crate) name: LaneName,
    pub(crate) max_concurrency: usize,
}

/// The routes of all capabilities.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Routes(HashMap<Capability, Vec<Leg>>);

impl Routes {
    /// Joins what the providers recommend with what was chosen instead.
    pub(crate) fn new(
        recommended: impl IntoIterator<Item = (Capability, LaneName)>,
        chosen: impl IntoIterator<Item = (Capability, Leg)>,
    ) -> Self {
        let mut overrides: HashMap<_, Vec<Leg>> = HashMap::new();
        for (capability, leg) in chosen {
            overrides.entry(capability).or_default().push(leg);
        }
        let mut routes: HashMap<_, Vec<Leg>> = HashMap::new();
        for (capability, name) in recommended {
            let leg = Leg { name, max_concurrency: DEFAULT_CONCURRENCY };
            routes.entry(capability).or_default().push(leg);
        }
        routes.extend(overrides);
        Self(routes)
    }

    /// Returns the lanes of `capability`, the preferred one first.
    pub(crate) fn of(&self, capability: Capability) -> &[Leg] {
        self.0.get(&capability).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_replaces_what_is_recommended() {
        let (edit, upscale) = (Capability(2), Capability(5));
        let [a, b] = ["a", "b"].map(|it| LaneName::new("acme", it));
        let leg = Leg { name: b.clone(), max_concurrency: 2 };
        let routes = Routes::new(
            [(edit, a.clone()), (edit, b.clone()), (upscale, a.clone())],
            [(edit, leg.clone())],
        );
        assert_eq!(routes.of(edit), [leg]);
        assert_eq!(routes.of(upscale).len(), 1);
        assert!(routes.of(Capability(9)).is_empty());
    }
}
