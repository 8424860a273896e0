//! Workflows are accepted once and together, and none spoils it for another.

use std::collections::HashMap;

use api::sartiq::compute::v1::*;
use futures::future::join_all;
use sqlx::PgPool;

use crate::Result;
use crate::provider::Act;
use crate::stage::{Stage, picture};

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn those_that_come_at_once_are_accepted_together(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Hang]);
    let process = stage.process().await?;
    let make = |reference: &str| SubmitWorkflowRequest {
        request_id: testkit::request_id(),
        reference: reference.to_owned(),
        graph: Some(Graph { nodes: vec![picture("a", &[]), picture("b", &["a"])] }),
        ..SubmitWorkflowRequest::default()
    };
    let mut requests: Vec<_> = (0..200).map(|nth| make(&nth.to_string())).collect();
    // Each is sent twice at once, and one is what the database does not take.
    requests.extend(requests.clone());
    let rule = "alter table compute.workflow add check (reference <> 'spoiled')";
    sqlx::raw_sql(rule).execute(&stage.db).await?;
    requests.push(make("spoiled"));
    let answers = join_all(requests.into_iter().map(async |request| {
        let (id, reference) = (request.request_id.clone(), request.reference.clone());
        let mut workflows = process.workflows(stage.organization);
        (id, reference, workflows.submit_workflow(request).await)
    }));
    let mut accepted: HashMap<String, Workflow> = HashMap::new();
    for (id, reference, answer) in answers.await {
        if reference == "spoiled" {
            assert_eq!(answer.err().ok_or("accepted")?.code(), tonic::Code::Internal);
            continue;
        }
        let workflow = answer?.into_inner().workflow.ok_or("no workflow")?;
        assert_eq!((&workflow.reference, workflow.task_count), (&reference, 2));
        let first = accepted.entry(id).or_insert_with(|| workflow.clone());
        assert_eq!(*first, workflow, "whoever asks twice gets one answer");
    }
    for workflow in accepted.values() {
        let request = GetWorkflowRequest { id: workflow.id.clone() };
        let found = process.workflows(stage.organization).get_workflow(request).await?;
        let found = found.into_inner().workflow.ok_or("no workflow")?;
        assert_eq!(
            (found.create_time, found.reference),
            (workflow.create_time, workflow.reference.clone())
        );
    }
    let sql = "select count(*), count(distinct xmin::text) from compute.replay";
    let (kept, commits): (i64, i64) = sqlx::query_as(sql).fetch_one(&stage.db).await?;
    println!("{kept} workflows were accepted in {commits} commits");
    assert_eq!((kept, accepted.len()), (200, 200));
    assert!(commits < 100, "{commits}");
    let sql = "select (select count(*) from compute.workflow), (select count(*) from compute.task)";
    let stored: (i64, i64) = sqlx::query_as(sql).fetch_one(&stage.db).await?;
    assert_eq!(stored, (200, 400));
    Ok(())
}
