//! Settings as files: each in a file named like its variable, all in one folder.
//!
//! That is how a cluster hands out configuration and secrets. What is in a file is in no environment,
//! which processes pass on and dumps show.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clap::{ArgMatches, Command};

/// The variable that names the folder.
const FOLDER: &str = "SETTINGS_DIR";

/// Reads the settings of `command`: flags first, then the environment, then files, then defaults.
pub(crate) fn matches(command: Command) -> ArgMatches {
    let hint = format!("Each may also be a file named like its variable, in the folder {FOLDER}.");
    let mut command = command.args_override_self(true).after_help(hint);
    let mut given = std::env::args_os();
    let mut arguments: Vec<OsString> = given.by_ref().take(1).collect();
    if let Some(folder) = std::env::var_os(FOLDER) {
        let is_set = |name: &str| std::env::var_os(name).is_some();
        match from_files(&command, Path::new(&folder), is_set) {
            Ok(filed) => arguments.extend(filed),
            Err(error) => command.error(clap::error::ErrorKind::Io, error).exit(),
        }
    }
    // Last, so that they win.
    arguments.extend(given);
    command.get_matches_from(arguments)
}

/// Returns the settings of `command` that are files in `folder`, as arguments.
fn from_files(
    command: &Command,
    folder: &Path,
    is_set: impl Fn(&str) -> bool,
) -> Result<Vec<OsString>, String> {
    let mut arguments = Vec::new();
    for argument in command.get_arguments() {
        let Some(long) = argument.get_long() else { continue };
        let Some(name) = argument.get_env().and_then(|it| it.to_str()) else { continue };
        if is_set(name) {
            continue;
        }
        let path = folder.join(name);
        let value = match fs::read_to_string(&path) {
            Ok(value) => value,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        // Editors end files with a line break that is part of no value.
        let value = value.trim_end_matches(['\r', '\n']);
        match (argument.get_action().takes_values(), value) {
            (true, _) => arguments.push(format!("--{long}={value}").into()),
            (false, "true") => arguments.push(format!("--{long}").into()),
            (false, "false") => (),
            (false, _) => return Err(format!("{}: neither true nor false", path.display())),
        }
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Process {
        /// A secret.
        #[arg(long, env = "A_KEY")]
        key: String,
        /// A number with a default.
        #[arg(long, env = "A_COUNT", default_value_t = 1)]
        count: u32,
        /// A choice.
        #[arg(long, env = "A_CHOICE")]
        choice: bool,
        /// What has no variable has no file.
        #[arg(long)]
        word: Option<String>,
    }

    fn read(
        files: &[(&str, &str)],
        environment: &[&str],
    ) -> Result<Vec<OsString>, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (name, text) in files {
            fs::write(folder.path().join(name), text)?;
        }
        Ok(from_files(&Process::command(), folder.path(), |it| environment.contains(&it))?)
    }

    #[test]
    fn files_named_like_variables_are_settings() -> Result<(), Box<dyn std::error::Error>> {
        let files = [("A_KEY", "a = b\n"), ("A_COUNT", "7"), ("A_CHOICE", "true\n"), ("word", "x")];
        let arguments = read(&files, &[])?;
        assert_eq!(arguments, ["--key=a = b", "--count=7", "--choice"]);
        assert!(read(&[("A_CHOICE", "false")], &[])?.is_empty());
        assert!(read(&[("A_CHOICE", "perhaps")], &[]).is_err());
        Ok(())
    }

    #[test]
    fn the_environment_and_flags_win() -> Result<(), Box<dyn std::error::Error>> {
        assert_eq!(read(&[("A_KEY", "x"), ("A_COUNT", "7")], &["A_KEY"])?, ["--count=7"]);
        let command = Process::command().args_override_self(true);
        let matches = command.try_get_matches_from(["x", "--key=file", "--key=flag"])?;
        assert_eq!(matches.get_one::<String>("key").map(String::as_str), Some("flag"));
        Ok(())
    }
}
