//! Statements find their rows by keys, in plans of any age.
//!
//! A service keeps the plans of its statements. One that was made while a table was empty is as good as
//! any other then, and may read the table from end to end for as long as PostgreSQL has not counted anew:
//! a minute, in which the table may have grown by a hundred thousand rows. A queue's index may be empty
//! whenever PostgreSQL counts; a plan that is made then may look at all rows of one side of a join for each
//! of the other.

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

/// What reads all there is, and who asks so.
const WHOLE: &[(&str, &str)] = &[
    ("select job_id, name, attempts, losses, last_error", "whoever looks for jobs given up"),
    ("select count(*) from generation.job where state <> 'dead'", "whoever looks at a queue"),
];

/// Who writes statements for the schema of whoever uses it.
const SHARED: [&str; 3] = ["events", "jobs", "pg"];

/// A schema that uses all of them.
const USER: &str = "generation";

/// What such statements are made with.
const FILLED: [(&str, &str); 5] = [
    ("{schema}", USER),
    ("{0}", USER),
    ("{}", USER),
    ("{BATCH}", "500"),
    ("{RETENTION}", "7 days"),
];

#[sqlx::test(migrations = false)]
async fn statements_find_their_rows_by_keys(db: PgPool) -> Result {
    let mut db = connect(&db).await?;
    for service in sorted(Path::new(ROOT).join("services"))? {
        migrate(&mut db, &service).await?;
    }
    db.execute("set plan_cache_mode = force_generic_plan").await?;
    let mut statements = shared()?;
    assert!(18 < statements.len(), "{} shared statements", statements.len());
    for file in sorted(Path::new(ROOT).join(".sqlx"))? {
        let kept: Value = serde_json::from_slice(&fs::read(file)?)?;
        statements.push(kept["query"].as_str().ok_or("no statement")?.to_owned());
    }
    assert!(220 < statements.len(), "{} statements", statements.len());
    for (start, _) in WHOLE {
        assert!(statements.iter().any(|it| it.starts_with(start)), "nobody asks {start}");
    }
    let mut complaints = Vec::new();
    let mut unread: BTreeMap<_, _> = SMALL.iter().copied().collect();
    // First it knows nothing of the tables, then that all of them are empty.
    for known in ["nothing", "that all is empty"] {
        for statement in &statements {
            if WHOLE.iter().any(|(start, _)| statement.starts_with(start)) {
                continue;
            }
            for fault in faults(&mut db, statement).await? {
                unread.remove(&*fault);
                if SMALL.iter().all(|(small, _)| *small != fault) {
                    complaints.push(format!("{fault}, when it knows {known}, in\n{statement}"));
                }
            }
        }
        db.execute("vacuum").await?;
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    assert!(unread.is_empty(), "nothing reads {unread:?} from end to end");
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_join_that_reads_a_table_whole_is_found(db: PgPool) -> Result {
    let mut db = connect(&db).await?;
    db.execute("create table one (one_id bigint primary key)").await?;
    db.execute("create table other (one_id bigint primary key, text text)").await?;
    db.execute("vacuum").await?;
    // Nothing but each row of the first says where to begin in the other one.
    let join = "select text from one join other using (one_id) where one.one_id = any($1)";
    assert_eq!(faults(&mut db, join).await?, ["other_pkey"]);
    let keyed = format!("{join} and other.one_id = any($1)");
    assert_eq!(faults(&mut db, &keyed).await?, Vec::<String>::new());
    let first = "select one_id from one order by one_id limit 1";
    assert_eq!(faults(&mut db, first).await?, Vec::<String>::new());
    let sieved = "select one_id from one where one_id % 2 = 0 order by one_id limit 1";
    assert_eq!(faults(&mut db, sieved).await?, ["one_pkey"]);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_join_of_each_row_with_each_is_found(db: PgPool) -> Result {
    let mut db = connect(&db).await?;
    db.execute("create table one (one_id bigint primary key, text text)").await?;
    db.execute("vacuum").await?;
    let join =
        "update one set text = it.text from unnest($1::bigint[], $2::text[]) as it (id, text)
                where one_id = it.id and one_id = any($1)";
    assert_eq!(faults(&mut db, join).await?, Vec::<String>::new());
    // As it was planned if that were not forbidden.
    db.execute("set enable_nestloop = on").await?;
    assert_eq!(faults(&mut db, join).await?, ["each with each: (one.one_id = it.id)"]);
    Ok(())
}

/// A connection whose statements are planned as those of services are.
async fn connect(db: &PgPool) -> Result<PgConnection> {
    let options = db.connect_options().as_ref().clone().options(pg::PLANNING);
    Ok(PgConnection::connect_with(&options).await?)
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

/// The statements that are written for any schema, as they are for one that uses all of them.
fn shared() -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for name in SHARED {
        let mut files = sorted(Path::new(ROOT).join("crates").join(name).join("src"))?;
        while let Some(file) = files.pop() {
            if file.is_dir() {
                files.extend(sorted(file)?);
                continue;
            }
            let source = fs::read_to_string(&file)?;
            for after in source.split("format!(").skip(1) {
                let mut lines = after.trim_start();
                while lines.starts_with("//") {
                    lines = lines.split_once('\n').ok_or("nothing but comments")?.1.trim_start();
                }
                let Some((text, _)) = lines.strip_prefix('"').and_then(|it| it.split_once('"'))
                else {
                    continue;
                };
                if !["{schema}.", "{0}.", "{}."].iter().any(|it| text.contains(it)) {
                    continue;
                }
                let filled = FILLED
                    .iter()
                    .fold(text.to_owned(), |it, (name, value)| it.replace(name, value));
                if filled.contains(['{', '\\']) {
                    return Err(format!("{}: {filled}", file.display()).into());
                }
                statements.push(filled);
            }
        }
    }
    Ok(statements)
}

/// What the plan of `statement` that would be kept does for longer the more rows there are: the tables and
/// indexes that it reads from end to end, and the joins that compare each row with each.
async fn faults(db: &mut PgConnection, statement: &str) -> Result<Vec<String>> {
    db.execute(sqlx::raw_sql(AssertSqlSafe(format!("prepare it as {statement}")))).await?;
    let numbers = statement.split('$').skip(1).filter_map(|it| {
        let end = it.find(|it: char| !it.is_ascii_digit()).unwrap_or(it.len());
        it[..end].parse::<usize>().ok()
    });
    let arguments = match numbers.max() {
        None => String::new(),
        Some(n) => format!("({})", vec!["null"; n].join(", ")),
    };
    let explain = format!("explain (format json) execute it{arguments}");
    let plan: Value =
        sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_one(&mut *db).await?;
    db.execute("deallocate it").await?;
    let mut found = Vec::new();
    search(&plan[0]["Plan"], false, &mut found);
    Ok(found)
}

/// Looks for such in a plan, of which no more than `is_limited` says is wanted.
fn search(plan: &Value, is_limited: bool, found: &mut Vec<String>) {
    let kind = plan["Node Type"].as_str().unwrap_or_default();
    let name = plan["Index Name"].as_str().or(plan["Relation Name"].as_str()).unwrap_or_default();
    let is_scan =
        matches!(kind, "Seq Scan" | "Index Scan" | "Index Only Scan" | "Bitmap Index Scan");
    let is_bounded = plan["Index Cond"].is_string() || (is_limited && plan["Filter"].is_null());
    if is_scan && !is_bounded {
        found.push(name.to_owned());
    }
    // Rows that were found for each other by a key need not be compared.
    if let ("Nested Loop", Some(compared)) = (kind, plan["Join Filter"].as_str()) {
        found.push(format!("each with each: {compared}"));
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
