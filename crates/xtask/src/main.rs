//! The project's own commands: `cargo xtask up`, `test`, `bench`, `prepare`, `demo`.
//!
//! It depends on none of the other crates, so that it is there in seconds.

#![allow(
    clippy::disallowed_methods,
    reason = "a command of threads, without a runtime: it may sleep, and its environment is its input"
)]

mod bench;
mod binaries;
mod clients;
mod console;
mod demo;
mod faults;
mod folder;
mod grpc;
mod health;
mod mesh;
mod packages;
mod ports;
mod postgres;
mod prepare;
mod process;
mod redis;
mod secrets;
mod services;
mod signals;
mod stores;
mod tally;
mod test;
mod up;
mod vendor;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Runs, tests and measures the mesh")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the whole mesh on this machine until Ctrl-C.
    Up(up::Arguments),
    /// Installs what the tests need and runs all of them.
    Test(test::Arguments),
    /// Measures what the mesh can do on this machine, and what that costs.
    Bench(bench::Arguments),
    /// Refreshes `.sqlx/` from the migrations and the queries.
    Prepare(prepare::Arguments),
    /// Runs the `demo` binary against the mesh that `up` keeps.
    Demo(demo::Arguments),
    /// Prints what each service needs, one line per service and variable.
    Services,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Prepare(arguments) => prepare::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Services => services::print(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::fail(&error);
            ExitCode::FAILURE
        }
    }
}
