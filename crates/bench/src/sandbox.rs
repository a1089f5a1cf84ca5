//! A function in its execution environment: a process with its own Runtime API.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use hyper::body::Bytes;
use tokio::time::timeout;

use crate::{
    error::{BenchError, During},
    logs::Logs,
    process::Process,
    runtime_api::{Reply, Report, RuntimeApi},
};

/// The time limit that Lambda would apply to the functions: api and authorizer are deployed with 10 and 5 s.
pub(crate) const FUNCTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the sandbox waits: longer, to measure by how much a function exceeds its limit.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a function may be silent before the sandbox checks that it still runs.
const CHECK_AFTER: Duration = Duration::from_millis(500);

/// A function as it is deployed: a program, and the environment variables of its configuration.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    variables: BTreeMap<&'static str, String>,
}

impl Function {
    /// With the variables that Lambda itself sets.
    pub(crate) fn new(name: &'static str, program: PathBuf) -> Self {
        let variables = [
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2024/01/15/[$LATEST]bench"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "ASIABENCHBENCHBENCH1"),
            ("AWS_SECRET_ACCESS_KEY", "bench"),
            ("AWS_SESSION_TOKEN", "bench"),
            // For the floor on `lambda_http`. The service's functions ignore the stage by default.
            ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("_HANDLER", "bootstrap"),
            ("TZ", ":UTC"),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ];
        let variables = variables.map(|(name, value)| (name, value.to_owned())).into();
        Self {
            name,
            program,
            variables,
        }
    }

    /// The same function with one more variable, or another value of it.
    pub(crate) fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.variables.insert(variable, value.into());
        self
    }
}

/// A running function. Dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Sandbox {
    name: &'static str,
    child: Child,
    runtime_api: RuntimeApi,
    started: Instant,
}

impl Sandbox {
    pub(crate) async fn start(function: &Function, logs: &Logs) -> Result<Self, BenchError> {
        let runtime_api = RuntimeApi::start(FUNCTION_TIMEOUT).await?;
        let mut command = Command::new(&function.program);
        command
            .env_clear()
            .envs(&function.variables)
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.address.to_string())
            .stdin(Stdio::null())
            .stdout(logs.stdio()?);
        let started = Instant::now();
        let child = command
            .spawn()
            .during(format!("start {}", function.program.display()))?;
        Ok(Self {
            name: function.name,
            child,
            runtime_api,
            started,
        })
    }

    /// Waits for the end of the init phase, and returns the time since the start of the process.
    pub(crate) async fn ready(&mut self) -> Result<Duration, BenchError> {
        Ok(self.next_request().await? - self.started)
    }

    /// Invokes the function with one event.
    pub(crate) async fn invoke(&mut self, event: &Bytes) -> Result<Reply, BenchError> {
        self.runtime_api.hand_over(event.clone()).await;
        let reply = self.wait_for(|report| match report {
            Report::Replied(reply) => Some(reply),
            _ => None,
        });
        reply.await
    }

    /// Waits until the function, which has just responded, requests its next event, and returns the time since the response.
    /// Lambda bills this time, and no caller waits for it.
    pub(crate) async fn rest_after(&mut self, reply: &Reply) -> Result<Duration, BenchError> {
        Ok(self.next_request().await?.saturating_duration_since(reply.ended))
    }

    /// The start of the process.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    pub(crate) fn process(&self) -> Process {
        Process::new(self.child.id())
    }

    async fn next_request(&mut self) -> Result<Instant, BenchError> {
        self.wait_for(|report| match report {
            Report::Ready { at } => Some(at),
            _ => None,
        })
        .await
    }

    async fn wait_for<T>(&mut self, wanted: impl Fn(Report) -> Option<T>) -> Result<T, BenchError> {
        let function = self.name.to_owned();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match timeout(CHECK_AFTER, self.runtime_api.report()).await {
                Ok(Some(Report::InitFailed { message })) => return Err(BenchError::InitFailed { function, message }),
                Ok(Some(report)) => {
                    if let Some(found) = wanted(report) {
                        return Ok(found);
                    }
                }
                Ok(None) => return Err(BenchError::Ended(function)),
                Err(_) if self.child.try_wait().is_ok_and(|status| status.is_some()) => {
                    return Err(BenchError::Ended(function));
                }
                Err(_) => {}
            }
        }
        Err(BenchError::TimedOut {
            function,
            seconds: PATIENCE.as_secs(),
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended by itself. Either way it is waited for, so that no process is left.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
