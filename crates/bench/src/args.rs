//! The command line.

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};

/// Measures the function binaries as Lambda runs them, beside two floors.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// A short run with fewer rounds and smaller tables, not for publication
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these parts, separated by commas [default: all but endurance]
    #[arg(long, value_delimiter = ',', value_name = "PART", requires_if("writes", "former"))]
    pub(crate) only: Vec<Part>,
    /// The local server of another commit, built in the profile release, for the part writes
    #[arg(long, value_name = "FILE")]
    former: Option<PathBuf>,
    /// Write the figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw them in this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// End with 1 if a bar is not met
    #[arg(long)]
    pub(crate) check: bool,
}

/// A part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Binaries and deployment packages
    Sizes,
    /// From the start of the process to the first response, with and without TLS
    Cold,
    /// Each route beside its DynamoDB round trips
    Warm,
    /// The cost of log lines
    Logging,
    /// Authorizer time against query parameters
    Query,
    /// Lists against the size of the table
    Growth,
    /// Searches through a large table, beside a bare scan of it
    Search,
    /// Several sandboxes at once
    Throughput,
    /// A thousand creations in one batch, against as many requests and as many bare writes
    Batch,
    /// What it costs that a change names its request
    Change,
    /// How soon a change is in the history, and pages of a long one
    History,
    /// PATCH and DELETE through the local server, beside another build of it (--former)
    Writes,
    /// Responses while DynamoDB fails
    Faults,
    /// Memory and open files over many invocations; minutes
    Endurance,
}

impl Args {
    pub(crate) fn wants(&self, part: Part) -> bool {
        if self.only.is_empty() {
            part != Part::Endurance
        } else {
            self.only.contains(&part)
        }
    }

    /// The local server to compare writes with, if they are to be measured.
    pub(crate) fn former(&self) -> Option<&Path> {
        self.former.as_deref().filter(|_| self.wants(Part::Writes))
    }

    /// Whether any selected part needs the local server.
    pub(crate) fn wants_local_server(&self) -> bool {
        self.wants(Part::Batch) || self.wants(Part::History) || self.former().is_some()
    }

    /// Whether any selected part needs the floors.
    pub(crate) fn wants_floors(&self) -> bool {
        [Part::Sizes, Part::Cold, Part::Warm, Part::Growth, Part::Change]
            .into_iter()
            .any(|part| self.wants(part))
    }
}
