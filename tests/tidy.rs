//! The rules of the house that no compiler knows.
//!
//! Each rule is a function from the path and text of a file to complaints, so that each can be shown
//! to fail: the tests at the bottom plant one breach of every rule.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const LONGEST: usize = 400;

/// In `services/*/src`, what each layer must not know.
const STRANGERS: &[(Layer, &[&str])] = &[
    (Layer::Store, &["tonic::", "api::"]),
    (Layer::Rpc, &["sqlx::"]),
    (Layer::Jobs, &["sqlx::"]),
    (Layer::Noun, &["tonic::", "sqlx::", "api::"]),
];

/// Services whose files beside the usual ones are not nouns: they own no tables, so their whole
/// purpose is to translate.
const TRANSLATORS: &[&str] = &["gateway", "sandbox", "provider-"];

/// Modules of services that speak to the outside by purpose, each with its reason.
const ENVOYS: &[(&str, &str)] = &[
    ("media/src/bucket", "the one place that knows the object store"),
    ("delivery/src/bucket", "the one place that knows clients' buckets"),
    ("delivery/src/remote", "the one place that knows clients' buckets"),
    ("compute/src/engine", "the loop between the tables and the providers"),
    ("identity/src/token", "signs and reads tokens"),
];

/// Crates that one member alone may depend on.
const OWNERS: &[(&str, &[&str])] = &[
    ("aws-sdk-s3", &["media", "delivery"]),
    ("redis", &["events", "gateway", "identity", "compute"]),
    ("reqwest", &["fetch", "sandbox"]),
    ("tonic-web", &["gateway"]),
    ("s3s", &["bucket"]),
    ("openh264", &["pixels"]),
];

/// Shared crates, each of which may use those before it.
const ORDER: &[&str] = &[
    "types", "api", "pixels", "server", "pg", "fetch", "events", "jobs", "bucket", "testkit",
    "provider",
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Layer {
    Store,
    Rpc,
    Jobs,
    Noun,
}

/// The layer that a file of a service is in. None for those that may know everything.
fn layer(path: &str) -> Option<Layer> {
    let service = path.strip_prefix("services/")?;
    let (name, inner) = service.split_once("/src/")?;
    if TRANSLATORS.iter().any(|it| name.starts_with(it)) {
        return None;
    }
    if ENVOYS.iter().any(|(envoy, _)| service.starts_with(envoy)) {
        return None;
    }
    Some(match inner {
        "main.rs" | "lib.rs" | "error.rs" | "rpc.rs" | "store.rs" | "jobs.rs" => return None,
        _ if inner.starts_with("error/") => return None,
        _ if inner.starts_with("store/") => Layer::Store,
        _ if inner.starts_with("rpc/") => Layer::Rpc,
        _ if inner.starts_with("jobs/") => Layer::Jobs,
        _ => Layer::Noun,
    })
}

fn layers(path: &str, text: &str) -> Vec<String> {
    let Some(layer) = layer(path) else { return Vec::new() };
    // What a file tests itself with is its own business.
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let code: String =
        code.lines().filter(|it| !it.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    STRANGERS
        .iter()
        .filter(|it| it.0 == layer)
        .flat_map(|it| it.1)
        .filter(|stranger| mentions(&code, stranger))
        .map(|stranger| format!("{path}: {layer:?} must not know `{stranger}`"))
        .collect()
}

/// Tells whether `code` names the crate at the start of a path, not as the end of another word.
fn mentions(code: &str, stranger: &str) -> bool {
    code.match_indices(stranger).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|it| it.is_alphanumeric() || it == '_' || it == ':')
    })
}

fn length(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let long = LONGEST < lines;
    long.then(|| format!("{path}: {lines} lines; split it by noun")).into_iter().collect()
}

fn purpose(path: &str, text: &str) -> Vec<String> {
    let says = text.starts_with("//!");
    (!says).then(|| format!("{path}: say in `//!` what the file is for")).into_iter().collect()
}

fn loose_ends(path: &str, text: &str) -> Vec<String> {
    // Written apart, so that this file does not find itself.
    let ends = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ig", "nore"),
        concat!("#[should", "_panic"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
    ];
    let found = ends.iter().filter(|it| text.contains(**it));
    found.map(|it| format!("{path}: `{it}` is a loose end")).collect()
}

/// What the name of a module file may not be.
fn module_file(path: &str) -> Vec<String> {
    let old = path.ends_with("/mod.rs");
    old.then(|| format!("{path}: name it after the folder")).into_iter().collect()
}

fn owners(path: &str, text: &str) -> Vec<String> {
    let Some(member) = member(path) else { return Vec::new() };
    let normal = section(text, "[dependencies]");
    OWNERS
        .iter()
        .filter(|(dependency, owners)| depends(&normal, dependency) && !owners.contains(&member))
        .map(|(dependency, owners)| {
            format!("{path}: `{dependency}` belongs to {}", owners.join(" and "))
        })
        .collect()
}

/// A service never depends on another, and a shared crate only on those before it.
fn order(path: &str, text: &str, services: &[String]) -> Vec<String> {
    let Some(member) = member(path) else { return Vec::new() };
    let normal = section(text, "[dependencies]");
    let mut complaints = Vec::new();
    for service in services.iter().filter(|it| *it != member && depends(&normal, it)) {
        complaints.push(format!("{path}: `{member}` must not know the service `{service}`"));
    }
    if let Some(rank) = ORDER.iter().position(|it| *it == member) {
        let later = ORDER[rank + 1..].iter().filter(|it| depends(&normal, it));
        complaints
            .extend(later.map(|it| format!("{path}: `{member}` comes before `{it}` in the house")));
    }
    complaints
}

fn member(path: &str) -> Option<&str> {
    let path = path.strip_suffix("/Cargo.toml")?;
    path.strip_prefix("crates/").or_else(|| path.strip_prefix("services/"))
}

/// The lines of one section of a manifest.
fn section(text: &str, title: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|it| it.trim() != title).skip(1);
    lines.take_while(|it| !it.starts_with('[')).map(str::to_owned).collect()
}

fn depends(lines: &[String], on: &str) -> bool {
    lines.iter().any(|it| {
        it.strip_prefix(on).is_some_and(|rest| rest.starts_with('.') || rest.starts_with(' '))
    })
}

/// Path = package, everything commented, own request and response, `_UNSPECIFIED` first. buf checks
/// more, but needs a tool of another make.
fn proto(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let package = path.strip_prefix("proto/").and_then(|it| it.rsplit_once('/')).map(|it| it.0);
    let declared = format!("package {};", package.unwrap_or_default().replace('/', "."));
    if !text.contains(&declared) {
        complaints.push(format!("{path}: a file of this folder says `{declared}`"));
    }
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let word = line.trim_start();
        let is_element =
            ["message ", "enum ", "service ", "rpc "].iter().any(|it| word.starts_with(it));
        let before = number.checked_sub(1).map_or("", |it| lines[it].trim_start());
        if is_element && !before.starts_with("//") {
            complaints.push(format!("{path}:{}: say what it is", number + 1));
        }
        if let Some(rest) = word.strip_prefix("rpc ") {
            let name = rest.split('(').next().unwrap_or_default();
            let own = rest.contains(&format!("({name}Request)"))
                && (rest.contains(&format!("({name}Response)"))
                    || rest.contains(&format!("(stream {name}Response)")));
            if !own {
                complaints.push(format!(
                    "{path}:{}: `{name}` has its own request and response",
                    number + 1
                ));
            }
        }
        if word.starts_with("enum ") {
            let first = lines[number + 1..].iter().find(|it| it.contains('='));
            if !first.is_some_and(|it| it.contains("_UNSPECIFIED = 0")) {
                complaints
                    .push(format!("{path}:{}: an enum begins with `_UNSPECIFIED`", number + 1));
            }
        }
        if word.starts_with("double ") || word.starts_with("float ") {
            complaints.push(format!("{path}:{}: money and sizes are no floats", number + 1));
        }
    }
    complaints
}

/// Secrets, machines and registries do not belong into a repository.
fn leaks(path: &str, text: &str) -> Vec<String> {
    let leaks = [concat!("/ro", "ot/"), concat!("BEGIN PRIVATE", " KEY"), concat!("AKIA", "IOSF")];
    let found = leaks.iter().filter(|it| text.contains(**it));
    found.map(|it| format!("{path}: `{it}` does not belong here")).collect()
}

#[test]
fn the_house_is_tidy() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(ROOT);
    let mut services = Vec::new();
    for entry in fs::read_dir(root.join("services"))? {
        services.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let mut complaints = Vec::new();
    let mut counted = 0;
    for path in files(root)? {
        let name = path.strip_prefix(root)?.display().to_string();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        counted += 1;
        complaints.extend(leaks(&name, &text));
        if name.ends_with(".rs") {
            for rule in [layers, length, purpose, loose_ends] {
                complaints.extend(rule(&name, &text));
            }
            complaints.extend(module_file(&name));
        } else if name.ends_with("Cargo.toml") {
            complaints.extend(owners(&name, &text));
            complaints.extend(order(&name, &text, &services));
        } else if name.ends_with(".proto") && name.starts_with("proto/sartiq/") {
            complaints.extend(proto(&name, &text));
        }
    }
    assert!(300 < counted, "only {counted} files were looked at");
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    Ok(())
}

#[test]
fn every_service_is_where_a_stranger_looks_for_it() -> Result<(), Box<dyn std::error::Error>> {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md"))?;
    for entry in fs::read_dir(Path::new(ROOT).join("services"))? {
        let service = entry?.path();
        let name = service.file_name().map(|it| it.to_string_lossy().into_owned());
        let name = name.ok_or("a folder without a name")?;
        assert!(readme.contains(&format!("`{name}`")), "README does not name `{name}`");
        let main = fs::read_to_string(service.join("src/main.rs"))?;
        assert!(main.lines().count() <= 12, "{name}: there should be nothing in `main`");
    }
    Ok(())
}

/// The files of the house, without what is made, vendored or another language's packages.
fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    const SKIPPED: &[&str] = &[
        "target",
        ".git",
        "vendor",
        "node_modules",
        ".data",
        ".sqlx",
        "data",
        "demo-out",
        ".venv",
    ];
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                found.extend(files(&path)?);
            }
        } else if !name.ends_with(".lock") && name != "package-lock.json" {
            found.push(path);
        }
    }
    Ok(found)
}

mod breaches {
    //! One breach of each rule, to show that it would be noticed.

    use super::*;

    #[test]
    fn a_noun_that_knows_the_database() {
        let text = "//! Products.\nuse sqlx::PgPool;\n";
        assert_eq!(layers("services/catalog/src/product.rs", text).len(), 1);
        assert_eq!(layers("services/catalog/src/rpc/product.rs", text).len(), 1);
        assert_eq!(layers("services/catalog/src/jobs/attach.rs", text).len(), 1);
        assert!(layers("services/catalog/src/store/product.rs", text).is_empty());
        assert!(layers("services/catalog/src/lib.rs", text).is_empty());
    }

    #[test]
    fn a_store_that_knows_the_contract() {
        let text = "use api::sartiq::catalog::v1 as pb;\nuse tonic::Status;\n";
        assert_eq!(layers("services/catalog/src/store/product.rs", text).len(), 2);
        assert!(layers("services/catalog/src/rpc/product.rs", text).is_empty());
    }

    #[test]
    fn words_that_only_sound_like_strangers_and_comments_are_fine() {
        let text = "// As sqlx::query does.\nuse crate::my_api::Thing;\n";
        assert!(layers("services/catalog/src/product.rs", text).is_empty());
    }

    #[test]
    fn a_file_that_grew_too_long_or_says_nothing() {
        assert_eq!(length("x.rs", &"\n".repeat(LONGEST + 1)).len(), 1);
        assert!(length("x.rs", &"\n".repeat(LONGEST)).is_empty());
        assert_eq!(purpose("x.rs", "fn main() {}").len(), 1);
    }

    #[test]
    fn loose_ends_and_old_module_files() {
        assert_eq!(loose_ends("x.rs", concat!("fn f() { todo", "!() }")).len(), 1);
        assert_eq!(loose_ends("x.rs", concat!("#[ig", "nore]")).len(), 1);
        assert_eq!(module_file("services/media/src/rpc/mod.rs").len(), 1);
    }

    #[test]
    fn a_second_owner_of_a_dependency() {
        let manifest = "[dependencies]\nredis.workspace = true\n\n[dev-dependencies]\n";
        assert_eq!(owners("services/catalog/Cargo.toml", manifest).len(), 1);
        assert!(owners("services/gateway/Cargo.toml", manifest).is_empty());
        let dev = "[dependencies]\n[dev-dependencies]\nreqwest.workspace = true\n";
        assert!(owners("services/media/Cargo.toml", dev).is_empty());
    }

    #[test]
    fn a_service_that_knows_another_and_a_crate_that_knows_a_later_one() {
        let services = ["media".to_owned(), "catalog".to_owned()];
        let manifest = "[dependencies]\nmedia.workspace = true\n";
        assert_eq!(order("services/catalog/Cargo.toml", manifest, &services).len(), 1);
        let manifest = "[dependencies]\njobs.workspace = true\n";
        assert_eq!(order("crates/pg/Cargo.toml", manifest, &services).len(), 1);
        assert!(order("services/catalog/Cargo.toml", manifest, &services).is_empty());
    }

    #[test]
    fn a_contract_without_comments_or_with_shared_messages() {
        let path = "proto/sartiq/catalog/v1/product.proto";
        let fine = "package sartiq.catalog.v1;\n// A.\nservice AService {\n  // B.\n  rpc GetA(GetARequest) returns (GetAResponse) {\n";
        assert!(proto(path, fine).is_empty());
        assert_eq!(proto(path, "package sartiq.media.v1;\n").len(), 1);
        assert_eq!(proto(path, "package sartiq.catalog.v1;\nmessage A {}\n").len(), 1);
        let shared =
            "package sartiq.catalog.v1;\n  // B.\n  rpc GetA(Empty) returns (GetAResponse);\n";
        assert_eq!(proto(path, shared).len(), 1);
        let odd = "package sartiq.catalog.v1;\n// E.\nenum E {\n  A = 0;\n}\n";
        assert_eq!(proto(path, odd).len(), 1);
        let float = "package sartiq.catalog.v1;\n  double price = 1;\n";
        assert_eq!(proto(path, float).len(), 1);
    }

    #[test]
    fn a_path_of_somebodys_machine() {
        assert_eq!(leaks("x.md", concat!("see /ro", "ot/notes")).len(), 1);
    }
}
