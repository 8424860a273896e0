//! The web app's files, as a browser gets them.

use std::error::Error;
use std::fs;

use http::{StatusCode, header};
use tempfile::TempDir;

use crate::upstream::{Answer, Door};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

const PAGE: &str = "<!doctype html><title>the app</title>";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// A gateway that serves a web app, beside a file that is none of it.
struct Site {
    door: Door,
    _folder: TempDir,
}

impl Site {
    async fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("dist");
        fs::create_dir_all(root.join("assets"))?;
        fs::write(root.join("index.html"), PAGE)?;
        fs::write(root.join("robots.txt"), "User-agent: *\nDisallow: /\n")?;
        fs::write(root.join("assets/app-1a2b.js"), "let app = 1;\n".repeat(1000))?;
        fs::write(root.join("assets/app-3c4d.css"), "plain")?;
        fs::write(root.join("assets/app-3c4d.css.br"), "as brotli")?;
        fs::write(folder.path().join("secret.txt"), "secret")?;
        let door = Door::open_with(|config| {
            config.web_root = Some(root);
            config.file_origins = vec!["https://files.example.com".to_owned()];
        });
        Ok(Self { door: door.await?, _folder: folder })
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        self.door.send("GET", path, "", b"", headers).await
    }
}

#[tokio::test]
async fn every_address_of_the_app_is_its_page() -> Result {
    let site = Site::open().await?;
    for path in ["/", "/index.html", "/shootings/0198f2a0", "/review?shot=a.b", "/a/b/c/"] {
        let page = site.get(path, &[]).await?;
        assert_eq!((page.status, &page.body[..]), (StatusCode::OK, PAGE.as_bytes()), "{path}");
        assert_eq!(page.header("content-type"), "text/html", "{path}");
        assert_eq!(page.header("cache-control"), "no-cache", "{path}");
    }
    let head = site.door.send("HEAD", "/shootings", "", b"", &[]).await?;
    assert_eq!((head.status, head.body.is_empty()), (StatusCode::OK, true));
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = site.door.send(method, "/shootings", "", b"", &[]).await?;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let robots = site.get("/robots.txt", &[]).await?;
    assert_eq!(robots.header("content-type"), "text/plain");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_missing_is_not_the_page() -> Result {
    let site = Site::open().await?;
    // A page of yesterday asks for the assets of yesterday; what it gets must not be kept.
    for path in ["/assets/app-0000.js", "/assets/nothing", "/assets/", "/favicon.ico", "/a/b.map"] {
        let missing = site.get(path, &[]).await?;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(missing.header("cache-control"), "no-store", "{path}");
        assert!(missing.body.is_empty(), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_the_page_is_asked_for_again() -> Result {
    let site = Site::open().await?;
    let asset = site.get("/assets/app-1a2b.js", &[]).await?;
    assert_eq!(asset.status, StatusCode::OK);
    assert_eq!(asset.header("cache-control"), IMMUTABLE);
    assert_eq!(asset.header("content-type"), "text/javascript");
    for (path, lifetime) in [("/assets/app-1a2b.js", IMMUTABLE), ("/shootings", "no-cache")] {
        let first = site.get(path, &[]).await?;
        let etag = first.header("etag");
        assert!(!etag.is_empty(), "{path}");
        let again = site.get(path, &[("if-none-match", etag)]).await?;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.body.is_empty());
        assert_eq!(again.header("cache-control"), lifetime);
        let changed = site.get(path, &[("if-none-match", "\"another\"")]).await?;
        assert_eq!((changed.status, &changed.body), (StatusCode::OK, &first.body), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_long_is_compressed() -> Result {
    let site = Site::open().await?;
    let plain = site.get("/assets/app-1a2b.js", &[]).await?;
    assert_eq!(plain.header("content-encoding"), "");
    let gzip = [("accept-encoding", "gzip")];
    let small = site.get("/assets/app-1a2b.js", &gzip).await?;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.header("vary").contains("accept-encoding"));
    assert!(small.body.len() < plain.body.len() / 10);
    assert_eq!(small.header("cache-control"), IMMUTABLE);
    // What was compressed beforehand is sent as it is.
    let best = [("accept-encoding", "gzip, br")];
    let small = site.get("/assets/app-3c4d.css", &best).await?;
    assert_eq!((small.header("content-encoding"), &small.body[..]), ("br", &b"as brotli"[..]));
    assert_eq!(small.header("content-type"), "text/css");
    let plain = site.get("/assets/app-3c4d.css", &[]).await?;
    assert_eq!(plain.body, "plain");
    Ok(())
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() -> Result {
    let site = Site::open().await?;
    for path in [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/%2fetc/passwd",
        "/assets/%00",
        "/%ff",
    ] {
        let answer = site.get(path, &[]).await?;
        assert_ne!(answer.body, "secret", "{path}");
        let is_harmless = answer.body.is_empty() || answer.body == PAGE;
        assert!(is_harmless && !answer.status.is_redirection(), "{path}: {}", answer.status);
    }
    Ok(())
}

#[tokio::test]
async fn pages_may_load_their_own_code_and_the_organizations_files() -> Result {
    let site = Site::open().await?;
    for path in ["/", "/assets/app-1a2b.js", "/assets/missing.js"] {
        let answer = site.get(path, &[]).await?;
        let policy = answer.header("content-security-policy");
        let may = |what: &str| {
            let rule = policy.split(';').map(str::trim).find(|it| it.starts_with(what));
            rule.map(|it| it.split(' ').skip(1).collect::<Vec<_>>()).unwrap_or_default()
        };
        assert_eq!(may("default-src"), ["'self'"]);
        assert_eq!(may("script-src"), ["'self'"]);
        assert_eq!(may("frame-ancestors"), ["'none'"]);
        assert_eq!(may("object-src"), ["'none'"]);
        // The store is another origin: pictures come from there, and uploads go there.
        for what in ["img-src", "connect-src", "media-src"] {
            for source in ["'self'", "blob:", "data:", "https://files.example.com"] {
                assert!(may(what).contains(&source), "{what} {source}: {policy}");
            }
            assert!(!may(what).contains(&"https:"), "{policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    }
    Ok(())
}

#[tokio::test]
async fn calls_are_calls_beside_the_app() -> Result {
    let site = Site::open().await?;
    let path = "/sartiq.catalog.v1.ProductService/GetProduct";
    assert_eq!(site.door.web(path, b"hello", &[]).await?.code().as_deref(), Some("0"));
    let post = site.door.send("POST", "/shootings", "application/json", b"{}", &[]).await?;
    assert_eq!(post.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(post.headers.get(header::LOCATION), None);
    Ok(())
}
