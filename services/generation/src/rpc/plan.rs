//! What a shot's generation will be made of, gathered from the services that know.

use std::collections::{HashMap, HashSet};

use api::sartiq::catalog::v1 as catalog;
use api::sartiq::generation::v1 as pb;
use api::sartiq::shooting::v1 as shooting;
use futures::try_join;
use server::Caller;
use tonic::{Response, Status};
use types::id::ShotId;

use crate::error::{Error, Result};
use crate::prompt::Brief;
use crate::{Clients, Generation};

/// Everything that a generation for one shot is configured with, but for the seed.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) shot_id: String,
    pub(super) shooting_id: String,
    pub(super) configuration: pb::Configuration,
    pub(super) prompt_parts: Vec<String>,
    pub(super) default_variants: i32,
}

/// What one input asks of its shot.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) shot_id: String,
    /// What is to be changed. Empty unless a revision.
    pub(super) note: String,
}

/// Plans for `wishes`, in their order. Asks each service once, however many there are.
pub(super) async fn plan(
    generation: &Generation,
    caller: &Caller,
    wishes: &[Wish],
) -> Result<Vec<Plan>> {
    let library = Library::load(&generation.clients, caller, wishes).await?;
    wishes.iter().map(|it| library.plan(it)).collect()
}

/// What the services know about the wished shots, by id.
struct Library {
    shots: HashMap<String, shooting::Shot>,
    looks: HashMap<String, shooting::Look>,
    products: HashMap<String, catalog::Product>,
    subjects: HashMap<String, catalog::Subject>,
    styles: HashMap<String, catalog::Style>,
    guidelines: HashMap<String, catalog::Guideline>,
    shot_types: HashMap<String, catalog::ShotType>,
}

impl Library {
    async fn load(clients: &Clients, caller: &Caller, wishes: &[Wish]) -> Result<Self> {
        let ids = unique(wishes.iter().map(|it| &it.shot_id));
        let request = caller.call(shooting::BatchGetShotsRequest { ids });
        let found = clients.shots.clone().batch_get_shots(request).await?.into_inner();
        let looks = &found.looks;
        let product_ids = unique(looks.iter().map(|it| &it.product_id));
        let subject_ids = unique(looks.iter().map(|it| &it.subject_id));
        let style_ids = unique(looks.iter().map(|it| &it.style_id));
        let guideline_ids = unique(looks.iter().flat_map(|it| &it.guideline_ids));
        let shot_type_ids = unique(found.shots.iter().map(|it| &it.shot_type_id));

        let (mut products, mut subjects) = (clients.products.clone(), clients.subjects.clone());
        let (mut styles, mut guidelines) = (clients.styles.clone(), clients.guidelines.clone());
        let mut shot_types = clients.shot_types.clone();
        let (products, subjects, styles, guidelines, shot_types) = try_join!(
            products.batch_get_products(
                caller.call(catalog::BatchGetProductsRequest { ids: product_ids })
            ),
            subjects.batch_get_subjects(
                caller.call(catalog::BatchGetSubjectsRequest { ids: subject_ids })
            ),
            styles.batch_get_styles(caller.call(catalog::BatchGetStylesRequest { ids: style_ids })),
            async {
                if guideline_ids.is_empty() {
                    return Ok::<_, Status>(Response::new(Default::default()));
                }
                let request = catalog::BatchGetGuidelinesRequest { ids: guideline_ids };
                guidelines.batch_get_guidelines(caller.call(request)).await
            },
            shot_types.batch_get_shot_types(
                caller.call(catalog::BatchGetShotTypesRequest { ids: shot_type_ids })
            ),
        )?;
        Ok(Self {
            shots: by_id(found.shots, |it| &it.id),
            looks: by_id(found.looks, |it| &it.id),
            products: by_id(products.into_inner().products, |it| &it.id),
            subjects: by_id(subjects.into_inner().subjects, |it| &it.id),
            styles: by_id(styles.into_inner().styles, |it| &it.id),
            guidelines: by_id(guidelines.into_inner().guidelines, |it| &it.id),
            shot_types: by_id(shot_types.into_inner().shot_types, |it| &it.id),
        })
    }

    fn plan(&self, wish: &Wish) -> Result<Plan> {
        let shot = get(&self.shots, &wish.shot_id)?;
        let look = get(&self.looks, &shot.look_id)?;
        let product = get(&self.products, &look.product_id)?;
        let subject = get(&self.subjects, &look.subject_id)?;
        let style = get(&self.styles, &look.style_id)?;
        let shot_type = get(&self.shot_types, &shot.shot_type_id)?;
        let guidelines: Vec<_> =
            look.guideline_ids.iter().filter_map(|it| self.guidelines.get(it)).collect();

        let front = product
            .photos
            .iter()
            .find(|it| it.slot() == catalog::product_photo::Slot::Front)
            .map(|it| it.media_id.clone());
        let shot_id: ShotId = shot.id.parse()?;
        let product_media_id = front.ok_or(Error::ProductWithoutPhoto(shot_id))?;

        let subject_text = match subject.description.as_str() {
            "" => subject.name.clone(),
            description => description.to_owned(),
        };
        let prompt_parts = Brief {
            note: wish.note.clone(),
            product: product.name.clone(),
            colour: product.colour.clone(),
            description: product.description.clone(),
            subject: subject_text,
            framing: shot_type.framing.clone(),
            angle: shot_type.angle.clone(),
            pose: shot_type.pose.clone(),
            style: style.prompt.clone(),
            light: style.light.clone(),
            background: style.background.clone(),
            rules: guidelines.iter().flat_map(|it| it.rules.clone()).collect(),
        }
        .parts();
        let configuration = pb::Configuration {
            product_id: product.id.clone(),
            product_name: product.name.clone(),
            product_media_id,
            subject_id: subject.id.clone(),
            subject_media_id: subject.portrait_media_id.clone(),
            style_id: style.id.clone(),
            guideline_ids: look.guideline_ids.clone(),
            shot_type_id: shot_type.id.clone(),
            prompt: prompt_parts.join(" "),
            negative_prompt: style.negative_prompt.clone(),
            seed: 0,
            width_px: shot_type.width_px,
            height_px: shot_type.height_px,
        };
        Ok(Plan {
            shot_id: shot.id.clone(),
            shooting_id: shot.shooting_id.clone(),
            configuration,
            prompt_parts,
            default_variants: shot_type.default_variants.max(1),
        })
    }
}

fn get<'a, T>(map: &'a HashMap<String, T>, id: &str) -> Result<&'a T> {
    map.get(id).ok_or_else(|| Error::Corrupt(format!("answer of another service lacks {id}")))
}

fn unique<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = HashSet::new();
    ids.filter(|it| seen.insert(it.as_str())).cloned().collect()
}

fn by_id<T>(items: Vec<T>, id: impl Fn(&T) -> &String) -> HashMap<String, T> {
    items.into_iter().map(|it| (id(&it).clone(), it)).collect()
}
