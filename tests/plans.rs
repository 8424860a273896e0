//! Statements find their rows by keys, in plans of any age.
//!
//! A service keeps the plans of its statements. One that was made while a table was empty is as good as
//! any other then, and may read the table from end to end for as long as PostgreSQL has not counted anew:
//! a minute, in which the table may have grown by a hundred thousand rows.
//!
//! Statements that `events`, `jobs` and `pg` write for the schema of whoever uses them are not kept in
//! `.sqlx`, and so not seen here; those that join give keys as well.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What may be read from end to end, since it stays small.
const SMALL: &[(&str, &str)] = &[
    ("provider", "one row per adapter"),
    ("route_pkey", "one row per capability and adapter"),
    ("owner", "one row"),
    ("cancellation", "what providers are being told"),
    ("signing_key", "two or three rows"),
    ("upload_open", "uploads that have not ended"),
    ("export_open_by_target", "exports that have not ended"),
    ("workspace_file_present", "files of generations that have not ended"),
];

#[sqlx::test(migrations = false)]
async fn statements_find_their_rows_by_keys(db: PgPool) -> Result {
    let options = db.connect_options().as_ref().clone().options(pg::PLANNING);
    let mut db = PgConnection::connect_with(&options).await?;
    for service in sorted(Path::new(ROOT).join("services"))? {
        migrate(&mut db, &service).await?;
    }
    // Now it knows that all of them are empty.
    db.execute("vacuum").await?;
    db.execute("set plan_cache_mode = force_generic_plan").await?;
    let (mut n, mut complaints) = (0, Vec::new());
    let mut unread: BTreeMap<_, _> = SMALL.iter().copied().collect();
    for file in sorted(Path::new(ROOT).join(".sqlx"))? {
        let kept: Value = serde_json::from_slice(&fs::read(file)?)?;
        let statement = kept["query"].as_str().ok_or("no statement")?;
        let parameters = kept["describe"]["parameters"]["Left"].as_array().map_or(0, Vec::len);
        for scan in scans(&mut db, statement, parameters).await? {
            unread.remove(&*scan);
            if SMALL.iter().all(|(small, _)| *small != scan) {
                complaints.push(format!("{scan} is read from end to end by\n{statement}"));
            }
        }
        n += 1;
    }
    assert!(200 < n, "{n} statements");
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    assert!(unread.is_empty(), "nothing reads {unread:?} from end to end");
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_join_that_reads_a_table_whole_is_found(db: PgPool) -> Result {
    let options = db.connect_options().as_ref().clone().options(pg::PLANNING);
    let mut db = PgConnection::connect_with(&options).await?;
    db.execute("create table one (one_id bigint primary key)").await?;
    db.execute("create table other (one_id bigint primary key, text text)").await?;
    db.execute("vacuum").await?;
    // Nothing but each row of the first says where to begin in the other one.
    let join = "select text from one join other using (one_id) where one.one_id = any($1)";
    assert_eq!(scans(&mut db, join, 1).await?, ["other_pkey"]);
    let keyed = format!("{join} and other.one_id = any($1)");
    assert_eq!(scans(&mut db, &keyed, 1).await?, Vec::<String>::new());
    let first = "select one_id from one order by one_id limit 1";
    assert_eq!(scans(&mut db, first, 0).await?, Vec::<String>::new());
    let sieved = "select one_id from one where one_id % 2 = 0 order by one_id limit 1";
    assert_eq!(scans(&mut db, sieved, 0).await?, ["one_pkey"]);
    Ok(())
}

/// Brings the schema of `service` up to date, if it has one.
async fn migrate(db: &mut PgConnection, service: &Path) -> Result {
    let Ok(migrations) = sorted(service.join("migrations")) else { return Ok(()) };
    let schema = service.file_name().and_then(|it| it.to_str()).ok_or("no name")?;
    db.execute(AssertSqlSafe(format!("create schema {schema}"))).await?;
    for migration in migrations {
        db.execute(sqlx::raw_sql(AssertSqlSafe(fs::read_to_string(migration)?))).await?;
    }
    Ok(())
}

/// The tables and indexes that `statement` reads from end to end, by the plan that would be kept.
async fn scans(db: &mut PgConnection, statement: &str, parameters: usize) -> Result<Vec<String>> {
    db.execute(sqlx::raw_sql(AssertSqlSafe(format!("prepare it as {statement}")))).await?;
    let arguments = match parameters {
        0 => String::new(),
        n => format!("({})", vec!["null"; n].join(", ")),
    };
    let explain = format!("explain (format json) execute it{arguments}");
    let plan: Value =
        sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_one(&mut *db).await?;
    db.execute("deallocate it").await?;
    let mut found = Vec::new();
    search(&plan[0]["Plan"], false, &mut found);
    Ok(found)
}

/// Looks for what is read whole in a plan, of which no more than `is_limited` says is wanted.
fn search(plan: &Value, is_limited: bool, found: &mut Vec<String>) {
    let kind = plan["Node Type"].as_str().unwrap_or_default();
    let name = plan["Index Name"].as_str().or(plan["Relation Name"].as_str()).unwrap_or_default();
    let is_scan =
        matches!(kind, "Seq Scan" | "Index Scan" | "Index Only Scan" | "Bitmap Index Scan");
    let is_bounded = plan["Index Cond"].is_string() || (is_limited && plan["Filter"].is_null());
    if is_scan && !is_bounded {
        found.push(name.to_owned());
    }
    let is_limited = kind == "Limit" || (is_limited && kind == "LockRows");
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        search(inner, is_limited, found);
    }
}

fn sorted(folder: PathBuf) -> Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|it| Ok(it?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
