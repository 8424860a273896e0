//! The main job, step by step.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use pixels::{Limits, Picture};

use crate::account::Account;
use crate::client::Client;
use crate::follow::{self, Follower};
use crate::library::{self, Library};
use crate::report::Report;
use crate::{deliver, review, shoot, upload};

/// How alike a garment and its likeness in a picture have to be at least, from 0 to 1.
const ALIKE: f32 = 0.75;

/// What to shoot.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    account: Account,

    /// Photos of products, each from the front.
    #[arg(required = true)]
    products: Vec<PathBuf>,

    /// A photo of the person who wears them.
    #[arg(long)]
    subject: Option<PathBuf>,

    /// How many pictures to make of each shot.
    #[arg(long, default_value_t = 2)]
    variants: i32,

    /// How many shot types to use.
    #[arg(long, default_value_t = 1)]
    shot_types: usize,

    /// The seed of the first pictures. Random if not given.
    #[arg(long)]
    seed: Option<u32>,

    /// A change to ask for in the first picture.
    #[arg(long)]
    revise: Option<String>,

    /// The folder to save the pictures and the zip in.
    #[arg(long, default_value = "demo-out")]
    out: PathBuf,

    /// How many seconds to wait for the pictures.
    #[arg(long, default_value_t = 300)]
    patience: u64,
}

pub(crate) async fn tell(options: Options) -> Result<()> {
    let mut report = Report::new();
    let account = &options.account;
    let client =
        report.step("sign in", Client::sign_in(account), |_| account.email.clone()).await?;
    let photos = report
        .step("upload photos", upload_all(&client, &options), |it| {
            let all = it.products.iter().chain(&it.subject);
            let sizes: Vec<_> = all.map(|it| format!("{}×{}", it.width_px, it.height_px)).collect();
            format!("{} photos: {}", sizes.len(), sizes.join(", "))
        })
        .await?;
    let library = report
        .step("library", Library::find_or_make(&client, photos.subject.map(|it| it.id)), |it| {
            format!("subject, style, guideline, {} shot types", it.shot_types.len())
        })
        .await?;
    let products = report
        .step("products", make_products(&client, &options.products, &photos.products), |it| {
            it.iter().map(|it| it.name.clone()).collect::<Vec<_>>().join(", ")
        })
        .await?;
    let (shooting_id, shots) = report
        .step(
            "shooting",
            shoot::compose(&client, &library, &products, options.shot_types),
            |(_, shots)| format!("{} shots", shots.len()),
        )
        .await?;
    report.step("price", shoot::quote(&client, &shots, options.variants), shoot::amount).await?;
    let mut follower =
        report.step("follow", Follower::subscribe(&client), |_| "events".to_owned()).await?;
    let generations = report
        .step("start", shoot::start(&client, &shots, options.variants, options.seed), |it| {
            format!("{} generations accepted", it.len())
        })
        .await?;
    let ids: Vec<String> = generations.into_iter().map(|it| it.id).collect();
    let patience = Duration::from_secs(options.patience);
    report
        .step("generate", follower.until_ended(&ids, patience), |()| "all ended".to_owned())
        .await?;
    let predictions = report
        .step("results", follow::results(&client, &ids), |it| format!("{} pictures", it.len()))
        .await?;
    if let Some(note) = &options.revise {
        let first = predictions.first().context("nothing to revise")?;
        let revised = async {
            let id = review::revise(&client, first, note).await?;
            follower.until_ended(std::slice::from_ref(&id), patience).await?;
            follow::results(&client, &[id]).await
        };
        report.step("revise", revised, |it| format!("{} picture, as noted", it.len())).await?;
    }
    let folder = options.out.join("pictures");
    report
        .step("download", review::save(&client, &predictions, &folder), |it| {
            format!("{} files in {}", it.len(), folder.display())
        })
        .await?;
    report
        .step("review", review::decide(&client, &predictions), |it| format!("{it} approved"))
        .await?;
    let export = report
        .step("export", deliver::export(&client, &shooting_id), |it| {
            format!("{} of {} items with receipts", it.delivered_count, it.item_count)
        })
        .await?;
    let delivered = report
        .step("zip", deliver::download(&client, &export, &options.out), |it| {
            format!("{} pictures in {}", it.pictures.len(), it.path.display())
        })
        .await?;
    report
        .step("garments", shown(&options.products, &delivered.pictures), |likeness| {
            let all: Vec<_> = likeness.iter().map(|it| format!("{:.0} %", it * 100.0)).collect();
            format!("visible in every picture; likeness {}", all.join(", "))
        })
        .await?;
    report.end();
    println!("\nThe approved pictures are in {}", delivered.path.display());
    Ok(())
}

/// The uploaded photos.
struct Photos {
    products: Vec<api::sartiq::media::v1::Media>,
    subject: Option<api::sartiq::media::v1::Media>,
}

async fn upload_all(client: &Client, options: &Options) -> Result<Photos> {
    let products = options.products.iter().map(|it| upload::upload(client, it));
    let products = futures::future::try_join_all(products).await?;
    let subject = match &options.subject {
        Some(path) => Some(upload::upload(client, path).await?),
        None => None,
    };
    Ok(Photos { products, subject })
}

async fn make_products(
    client: &Client,
    paths: &[PathBuf],
    media: &[api::sartiq::media::v1::Media],
) -> Result<Vec<api::sartiq::catalog::v1::Product>> {
    let mut products = Vec::new();
    for (path, media) in paths.iter().zip(media) {
        let name = path.file_stem().map(|it| it.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| "product".to_owned());
        products.push(library::product(client, &name, media.id.clone()).await?);
    }
    Ok(products)
}

/// Looks for the garments in the delivered pictures. Answers, for each picture, how alike the
/// garment that it shows most of is.
async fn shown(garments: &[PathBuf], pictures: &[Vec<u8>]) -> Result<Vec<f32>> {
    let garments =
        garments.iter().map(|it| decode(&std::fs::read(it)?)).collect::<Result<Vec<_>>>()?;
    let mut likeness = Vec::new();
    for picture in pictures {
        let picture = decode(picture)?;
        let found = garments.iter().map(|it| 1.0 - pixels::locate(it, &picture).difference);
        let best = found.fold(0.0, f32::max);
        ensure!(ALIKE <= best, "a delivered picture does not show its garment ({best:.2})");
        likeness.push(best);
    }
    Ok(likeness)
}

fn decode(bytes: &[u8]) -> Result<Picture> {
    Ok(pixels::decode(bytes, &Limits::default())?)
}
