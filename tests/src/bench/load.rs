//! Callers that call, and how long it took them.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Result;

/// How long each of many things took.
#[derive(Clone, Debug, Default)]
pub(super) struct Times(Vec<Duration>);

impl Times {
    pub(super) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(super) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What so many of a hundred stayed below, in milliseconds.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        // The smallest that so many are not above.
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).map_or(f64::NAN, |it| it.as_secs_f64() * 1e3)
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        Self(times.into_iter().collect())
    }
}

/// What callers managed.
#[derive(Clone, Debug, Default)]
pub(super) struct Load {
    pub(super) times: Times,
    pub(super) span: Duration,
}

impl Load {
    /// How many calls were answered in a second.
    pub(super) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.span.as_secs_f64()
    }

    pub(super) fn join(&mut self, other: Self) {
        self.times.join(other.times);
        self.span += other.span;
    }
}

/// Lets each of `callers` call again as soon as it was answered, for as long as `span`.
pub(super) async fn closed<C, F, A>(callers: &[C], span: Duration, call: F) -> Result<Load>
where
    C: Clone + Send + 'static,
    F: Fn(C) -> A + Send + Sync + 'static,
    A: Future<Output = Result> + Send,
{
    let call = Arc::new(call);
    let start = Instant::now();
    let mut working = JoinSet::new();
    for caller in callers {
        let (caller, call) = (caller.clone(), call.clone());
        working.spawn(async move {
            let mut times = Times::default();
            while start.elapsed() < span {
                let begin = Instant::now();
                call(caller.clone()).await?;
                times.add(begin.elapsed());
            }
            Ok::<_, crate::Error>(times)
        });
    }
    let mut load = Load::default();
    while let Some(times) = working.join_next().await {
        load.times.join(times??);
    }
    load.span = start.elapsed();
    Ok(load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let times: Times = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!([50, 99, 100].map(|it| times.percentile(it)), [50.0, 99.0, 100.0]);
        let few: Times = [3, 1, 2].map(Duration::from_millis).into_iter().collect();
        assert_eq!([1, 50, 99].map(|it| few.percentile(it)), [1.0, 2.0, 3.0]);
        assert!(Times::default().percentile(50).is_nan());
    }
}
