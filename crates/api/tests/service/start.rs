//! The start of the program.

use std::process::Command;

use serde_json::Value;

#[test]
fn unconfigured_program_exits_with_one_line_that_names_the_variable() {
    for variables in [&[][..], &[("TENANT_CONFIG_TABLE", "configured"), ("LOG_LEVEL", "loud")]] {
        let program = Command::new(env!("CARGO_BIN_EXE_api"))
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert_eq!(program.status.code(), Some(1));
        let log = String::from_utf8(program.stdout).unwrap();
        let line: Value = serde_json::from_str(log.trim_end()).unwrap_or_else(|_| panic!("{log}"));
        assert_eq!(line["level"], "ERROR");
        let variable = variables.last().map_or("TENANT_CONFIG_TABLE", |(name, _)| name);
        assert!(line["error"].as_str().unwrap().contains(variable), "{line}");
    }
}
