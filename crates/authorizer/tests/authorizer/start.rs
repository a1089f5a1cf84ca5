//! The program, which starts or reports why it does not.

use std::process::Command;

use serde_json::Value;

#[test]
fn unconfigured_program_logs_one_line_that_names_the_variable() {
    for variables in [&[][..], &[("PSK_PARAMETER_NAME", "configured"), ("LOG_LEVEL", "loud")]] {
        let program = Command::new(env!("CARGO_BIN_EXE_authorizer"))
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert_eq!(program.status.code(), Some(1));
        let log = String::from_utf8(program.stdout).unwrap();
        let line: Value = serde_json::from_str(log.trim_end()).unwrap_or_else(|_| panic!("{log}"));
        assert_eq!(line["level"], "ERROR");
        let wrong = variables.last().map_or("PSK_PARAMETER_NAME", |(name, _)| name);
        assert!(line["error"].as_str().unwrap().contains(wrong), "{line}");
    }
}
