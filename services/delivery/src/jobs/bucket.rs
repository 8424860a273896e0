//! Delivering into the bucket of a customer, picture by picture.

use api::sartiq::media::v1::SignedRead;
use server::Caller;
use time::OffsetDateTime;
use types::id::TargetId;

use crate::bucket::{self, Bucket, File};
use crate::error::Error;
use crate::export::Export;
use crate::item::{Digest, Item, Receipt, State};
use crate::jobs::deliver::Stop;
use crate::jobs::picture::{self, BATCH, Trouble};
use crate::jobs::settle;
use crate::jobs::teller::Teller;
use crate::target::Target;
use crate::{Delivery, store};

/// One run of an export to a target.
struct Run<'a> {
    delivery: &'a Delivery,
    export: &'a Export,
    target: Target,
    bucket: Bucket,
}

/// Why an item was not delivered.
enum Miss {
    /// It is the item's own.
    Item(Trouble),
    /// It concerns all items.
    All(Stop),
}

/// Delivers what is pending of an export, and ends it.
pub(super) async fn deliver(
    delivery: &Delivery,
    caller: &Caller,
    export: &Export,
    target: TargetId,
) -> Result<(), Stop> {
    let target = store::target::find(&delivery.db, export.organization_id, target).await?;
    let secret = delivery
        .seal
        .open(target.id, &target.sealed_secret)
        .ok_or_else(|| Error::Corrupt("secret of a target, sealed by another key".to_owned()))?;
    let bucket = delivery.buckets.open(&target.address, &secret);
    let bucket = bucket.map_err(|error| Stop::Waiting(error.to_string()))?;
    let run = Run { delivery, export, target, bucket };
    let mut teller = Teller::new(delivery, export);
    let mut tally = export.tally;
    let mut after = String::new();
    let mut passing = None;
    loop {
        let items = run.next(&after).await?;
        let Some(last) = items.last() else { break };
        after = last.filename.clone();
        let reads = picture::sign(delivery, caller, &items).await;
        let reads = reads.map_err(|trouble| Stop::Later(trouble.sentence()))?;
        for (item, read) in items.iter().zip(reads) {
            match run.one(item, read).await {
                Ok(receipt) => {
                    run.delivered(item, &receipt).await?;
                    if tally.delivered == export.tally.delivered {
                        store::export::unstick(&delivery.db, export).await?;
                    }
                    tally.delivered += 1;
                }
                Err(Miss::Item(trouble)) => match run.missed(item, &trouble).await? {
                    State::Failed => tally.failed += 1,
                    _ => passing = Some(trouble.sentence()),
                },
                Err(Miss::All(stop)) => return Err(stop),
            }
            teller.tell(tally);
        }
    }
    if let Some(problem) = passing {
        return Err(Stop::Later(problem));
    }
    let mut tx = delivery.db.begin().await.map_err(Error::from)?;
    if let Some(export) = settle::current(&mut tx, export).await? {
        settle::end(delivery, &mut tx, &export, None).await?;
    }
    Ok(delivery.outbox.commit(tx).await.map_err(Error::from)?)
}

impl Run<'_> {
    async fn next(&self, after: &str) -> Result<Vec<Item>, Stop> {
        let db = &self.delivery.db;
        let limit = i64::try_from(BATCH).expect("a small number");
        Ok(store::item::next(db, self.export, &[State::Pending], after, limit).await?)
    }

    /// Delivers one item, unless it is there already.
    async fn one(&self, item: &Item, read: Result<SignedRead, Trouble>) -> Result<Receipt, Miss> {
        let key = self.bucket.key(&item.filename);
        if let Some(prepared) = item.prepared {
            // Perhaps only the answer was lost.
            match self.bucket.find(&key).await {
                Ok(Some(found)) if found.is(&prepared) => {
                    return Ok(receipt(key, &found.etag, prepared));
                }
                // Some keys may write, but not look.
                Ok(_) | Err(bucket::Error::Refused(_)) => {}
                Err(error) => return Err(self.sort(error)),
            }
        }
        let read = read.map_err(Miss::Item)?;
        let picture = match picture::read(self.delivery, &read, self.export.format).await {
            Ok(picture) => picture,
            Err(Trouble::Away(problem)) => return Err(Miss::All(Stop::Later(problem))),
            Err(trouble) => return Err(Miss::Item(trouble)),
        };
        let (db, digest) = (&self.delivery.db, picture.digest);
        let is_ours = store::item::prepare(db, self.export, item.id, &digest).await;
        if !is_ours.map_err(|error| Miss::All(error.into()))? {
            return Err(Miss::All(Stop::Overtaken));
        }
        let file = File {
            name: item.filename.clone(),
            media_type: picture.media_type,
            bytes: picture.bytes,
            digest,
            export: self.export.id,
        };
        let etag = self.bucket.put(&file).await.map_err(|error| self.sort(error))?;
        Ok(receipt(key, &etag, digest))
    }

    async fn delivered(&self, item: &Item, receipt: &Receipt) -> Result<(), Stop> {
        let db = &self.delivery.db;
        match store::item::set_delivered(db, self.export, item.id, receipt).await? {
            true => Ok(()),
            false => Err(Stop::Overtaken),
        }
    }

    /// Writes down why an item was not delivered, and returns what becomes of it.
    async fn missed(&self, item: &Item, trouble: &Trouble) -> Result<State, Stop> {
        let state = match trouble {
            Trouble::Lasting(_) => State::Failed,
            Trouble::Passing(_) | Trouble::Away(_) => item.after_a_mishap(),
        };
        let (db, problem) = (&self.delivery.db, trouble.sentence());
        match store::item::set_problem(db, self.export, item.id, state, &problem).await? {
            true => Ok(state),
            false => Err(Stop::Overtaken),
        }
    }

    fn sort(&self, error: bucket::Error) -> Miss {
        let problem = error.to_string();
        match error {
            bucket::Error::Refused(_) => {
                Miss::All(Stop::Refused(Box::new(self.target.clone()), problem))
            }
            bucket::Error::NotPublic(_) | bucket::Error::Unreachable(_) | bucket::Error::Odd(_) => {
                Miss::All(Stop::Waiting(problem))
            }
            bucket::Error::Changing | bucket::Error::Taken => Miss::Item(Trouble::Passing(problem)),
            bucket::Error::Rejected(_)
            | bucket::Error::Foreign
            | bucket::Error::Newer
            | bucket::Error::Missing
            | bucket::Error::Unsupported => Miss::Item(Trouble::Lasting(problem)),
        }
    }
}

fn receipt(location: String, etag: &str, digest: Digest) -> Receipt {
    let remote_id = etag.trim_matches('"').to_owned();
    Receipt { location, remote_id, digest, delivered_at: OffsetDateTime::now_utc() }
}
