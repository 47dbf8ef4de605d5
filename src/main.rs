//! The program: parses the command line, runs the command, says what went wrong.

use std::process::ExitCode;

use clap::Parser as _;
use punctaj::cli::{self, CommandLine};

#[tokio::main]
async fn main() -> ExitCode {
    match cli::execute(CommandLine::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("punctaj: {}", error.whole());
            ExitCode::FAILURE
        }
    }
}
