//! `openapi generate` writes the copies of the document; `openapi check` fails if one is stale.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use openapi::copies;

fn main() -> io::Result<ExitCode> {
    let mut stderr = io::stderr();
    match env::args().nth(1).as_deref() {
        Some("generate") => copies::write()?,
        Some("check") => {
            let stale = copies::stale();
            for path in &stale {
                writeln!(
                    stderr,
                    "{} is stale; run: cargo run -p openapi -- generate",
                    path.display()
                )?;
            }
            if !stale.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
        }
        _ => {
            writeln!(stderr, "usage: openapi generate|check")?;
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
