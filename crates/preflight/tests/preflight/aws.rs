//! As much of STS, CloudWatch Logs and S3 as the checks use, with what emulators leave out: trust policies, external ids,
//! session policies, denials, redirections and faults. Every request is recorded.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const SERVICE_ACCOUNT: &str = "999988887777";
pub(crate) const SERVICE_SESSION: &str = "arn:aws:sts::999988887777:assumed-role/tenant-api/function";
pub(crate) const SERVICE_ROLE: &str = "arn:aws:iam::999988887777:role/tenant-api";
pub(crate) const SERVICE_KEY: &str = "AKIASERVICE";
/// The prefix of every secret access key of a session.
pub(crate) const SECRET: &str = "wJalrXUtnFEMI";
/// The prefix of every session token.
pub(crate) const TOKEN: &str = "FwoGZXIvYXdzE";

/// The resources that exist, and how AWS responds for them.
pub(crate) struct World {
    pub(crate) roles: Vec<Role>,
    pub(crate) log_groups: Vec<LogGroup>,
    pub(crate) buckets: Vec<Bucket>,
    /// The account in the ARNs of log groups, if it is not the account that was called.
    pub(crate) log_group_account: Option<&'static str>,
    /// The status of S3's response for a bucket in another region.
    pub(crate) elsewhere_status: u16,
    /// Actions that no identity is allowed to call.
    pub(crate) denied: Vec<&'static str>,
    pub(crate) faults: Vec<(&'static str, Fault)>,
}

pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) trusts: String,
    pub(crate) external_id: Option<String>,
}

pub(crate) struct LogGroup {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) streams: Vec<Value>,
}

pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) allowed_roles: Vec<String>,
    pub(crate) policy: BucketPolicy,
    pub(crate) shows_its_region: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum BucketPolicy {
    None,
    Private,
    Public,
    Hidden,
}

/// What happens to a call instead of its response.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Hang,
    Error(u16, &'static str),
    Malformed,
}

/// One request, as far as tests inspect it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) by: String,
    pub(crate) region: String,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let pair = self.parameters.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Aws {
    pub(crate) endpoint: String,
    state: Arc<Mutex<State>>,
}

struct State {
    world: World,
    sessions: Vec<Session>,
    calls: Vec<Call>,
}

#[derive(Clone)]
struct Session {
    key: String,
    role: String,
    policy: Option<Value>,
}

impl Aws {
    pub(crate) async fn start(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let service = Session {
            key: SERVICE_KEY.to_owned(),
            role: SERVICE_ROLE.to_owned(),
            policy: None,
        };
        let state = Arc::new(Mutex::new(State {
            world,
            sessions: vec![service],
            calls: Vec::new(),
        }));
        let shared = state.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = shared.clone();
                let service = service_fn(move |request| {
                    let state = state.clone();
                    async move { Ok::<_, Infallible>(respond(request, &state).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { endpoint, state }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }
}

struct Reply(u16, Vec<(&'static str, String)>, String);

impl Reply {
    fn xml(status: u16, body: impl Into<String>) -> Self {
        Self(status, vec![("content-type", "text/xml".to_owned())], body.into())
    }

    fn json(status: u16, body: &Value) -> Self {
        let content_type = ("content-type", "application/x-amz-json-1.1".to_owned());
        Self(status, vec![content_type], body.to_string())
    }

    /// An error in the format of the service of the action.
    fn error(action: &str, status: u16, code: &str) -> Self {
        match action.split(':').next() {
            Some("sts") => Self::xml(
                status,
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>as planned</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
                ),
            ),
            Some("logs") => Self::json(status, &json!({"__type": code, "message": "as planned"})),
            // A HEAD has no body.
            _ if action == "s3:ListBucket" => Self(status, Vec::new(), String::new()),
            _ => Self::xml(
                status,
                format!("<Error><Code>{code}</Code><Message>as planned</Message></Error>"),
            ),
        }
    }
}

async fn respond(request: Request<Incoming>, state: &Mutex<State>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap());
    // `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...`
    let scope = header("authorization").unwrap().split("Credential=").nth(1).unwrap();
    let scope: Vec<&str> = scope.split(['/', ',']).collect();
    let (key, region) = (scope[0], scope[2]);
    let call = read_call(&head.method, &head.uri, header("x-amz-target"), region, key, &body);
    let (reply, fault) = {
        let mut state = state.lock().unwrap();
        let fault = state.world.faults.iter().find(|(action, _)| *action == call.action);
        let fault = fault.map(|(_, fault)| *fault);
        let reply = if fault.is_none() {
            state.respond(&call)
        } else {
            Reply::xml(500, "")
        };
        state.calls.push(call.clone());
        (reply, fault)
    };
    let reply = match fault {
        None => reply,
        Some(Fault::Hang) => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            reply
        }
        Some(Fault::Error(status, code)) => Reply::error(&call.action, status, code),
        Some(Fault::Malformed) => Reply::xml(200, format!("<malformed with {SECRET} and {TOKEN}")),
    };
    let mut response = Response::builder().status(reply.0);
    for (name, value) in reply.1 {
        response = response.header(name, value);
    }
    response.body(Full::from(reply.2)).unwrap()
}

fn read_call(method: &Method, uri: &hyper::Uri, target: Option<&str>, region: &str, key: &str, body: &str) -> Call {
    let (action, parameters) = if let Some(target) = target {
        let members: Value = serde_json::from_str(body).unwrap();
        let members = members.as_object().unwrap();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let parameters = members
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect();
        (format!("logs:{}", target.split('.').nth(1).unwrap()), parameters)
    } else if *method == Method::POST {
        let parameters: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let action = &parameters.iter().find(|(name, _)| name == "Action").unwrap().1;
        (format!("sts:{action}"), parameters)
    } else {
        let action = match (method, uri.query()) {
            (&Method::HEAD, None) => "s3:ListBucket".to_owned(),
            (&Method::GET, Some("policyStatus")) => "s3:GetBucketPolicyStatus".to_owned(),
            _ => format!("s3:{method} {uri}"),
        };
        let bucket = uri.path().trim_matches('/').to_owned();
        (action, vec![("Bucket".to_owned(), bucket)])
    };
    Call {
        action,
        by: key.to_owned(),
        region: region.to_owned(),
        parameters,
    }
}

impl State {
    fn respond(&mut self, call: &Call) -> Reply {
        let by = self
            .sessions
            .iter()
            .find(|session| session.key == call.by)
            .unwrap()
            .clone();
        if self.world.denied.contains(&call.action.as_str()) || !by.is_allowed(call) {
            return Reply::error(&call.action, 403, "AccessDenied");
        }
        match call.action.as_str() {
            "sts:GetCallerIdentity" => Reply::xml(
                200,
                format!(
                    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{SERVICE_SESSION}</Arn><UserId>u</UserId><Account>{SERVICE_ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                ),
            ),
            "sts:AssumeRole" => self.assume_role(call, &by),
            "logs:DescribeLogGroups" => self.describe_log_groups(call, &by),
            "logs:DescribeLogStreams" => self.describe_log_streams(call, &by),
            "s3:ListBucket" => self.head_bucket(call, &by),
            "s3:GetBucketPolicyStatus" => self.policy_status(call, &by),
            other => panic!("unexpected call {other}"),
        }
    }

    fn assume_role(&mut self, call: &Call, by: &Session) -> Reply {
        let arn = call.parameter("RoleArn").unwrap();
        let is_trusted = self.world.roles.iter().any(|role| {
            let is_shown = role.external_id.is_none() || role.external_id.as_deref() == call.parameter("ExternalId");
            role.arn == arn && role.trusts == by.role && is_shown
        });
        if !is_trusted {
            return Reply::error(&call.action, 403, "AccessDenied");
        }
        let number = self.sessions.len();
        self.sessions.push(Session {
            key: format!("ASIASESSION{number}"),
            role: arn.to_owned(),
            policy: call
                .parameter("Policy")
                .map(|policy| serde_json::from_str(policy).unwrap()),
        });
        Reply::xml(
            200,
            format!(
                "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIASESSION{number}</AccessKeyId><SecretAccessKey>{SECRET}{number}</SecretAccessKey><SessionToken>{TOKEN}{number}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
            ),
        )
    }

    fn log_groups<'a>(&'a self, call: &'a Call, by: &'a Session) -> impl Iterator<Item = &'a LogGroup> {
        let here = |group: &&LogGroup| group.account == by.account() && group.region == call.region;
        self.world.log_groups.iter().filter(here)
    }

    fn describe_log_groups(&self, call: &Call, by: &Session) -> Reply {
        let prefix = call.parameter("logGroupNamePrefix").unwrap();
        let groups: Vec<Value> = self
            .log_groups(call, by)
            .filter(|group| group.name.starts_with(prefix))
            .map(|group| {
                let LogGroup { region, name, .. } = group;
                let account = self.world.log_group_account.unwrap_or(&group.account);
                json!({"logGroupName": name, "arn": format!("arn:aws:logs:{region}:{account}:log-group:{name}:*")})
            })
            .collect();
        Reply::json(200, &json!({"logGroups": groups}))
    }

    fn describe_log_streams(&self, call: &Call, by: &Session) -> Reply {
        let name = call.parameter("logGroupName");
        match self
            .log_groups(call, by)
            .find(|group| Some(group.name.as_str()) == name)
        {
            Some(group) => Reply::json(200, &json!({"logStreams": group.streams})),
            None => Reply::error(&call.action, 400, "ResourceNotFoundException"),
        }
    }

    fn head_bucket(&self, call: &Call, by: &Session) -> Reply {
        let name = call.parameter("Bucket").unwrap();
        let Some(bucket) = self.world.buckets.iter().find(|bucket| bucket.name == name) else {
            return Reply(404, Vec::new(), String::new());
        };
        let region = ("x-amz-bucket-region", bucket.region.clone());
        let status = match (bucket.region == call.region, bucket.allowed_roles.contains(&by.role)) {
            (false, _) => self.world.elsewhere_status,
            (true, false) => 403,
            (true, true) => 200,
        };
        Reply(
            status,
            bucket.shows_its_region.then_some(region).into_iter().collect(),
            String::new(),
        )
    }

    fn policy_status(&self, call: &Call, by: &Session) -> Reply {
        let name = call.parameter("Bucket").unwrap();
        let Some(bucket) = self.world.buckets.iter().find(|bucket| bucket.name == name) else {
            return Reply::error(&call.action, 404, "NoSuchBucket");
        };
        let is_public = match bucket.policy {
            _ if bucket.region != call.region => return Reply::error(&call.action, 301, "PermanentRedirect"),
            BucketPolicy::Hidden => return Reply::error(&call.action, 403, "AccessDenied"),
            _ if !bucket.allowed_roles.contains(&by.role) => return Reply::error(&call.action, 403, "AccessDenied"),
            BucketPolicy::None => return Reply::error(&call.action, 404, "NoSuchBucketPolicy"),
            BucketPolicy::Private => "false",
            BucketPolicy::Public => "true",
        };
        Reply::xml(
            200,
            format!("<PolicyStatus><IsPublic>{is_public}</IsPublic></PolicyStatus>"),
        )
    }
}

impl Session {
    fn account(&self) -> &str {
        self.role.split(':').nth(4).unwrap()
    }

    /// Whether the session's own policy allows the call.
    fn is_allowed(&self, call: &Call) -> bool {
        let Some(policy) = &self.policy else { return true };
        // The resource that IAM evaluates. Source: the error messages of CloudWatch Logs, and the Service Authorization
        // Reference for the others.
        let group = |name: &str| {
            format!(
                "arn:aws:logs:{}:{}:log-group:{name}:log-stream:",
                call.region,
                self.account()
            )
        };
        let resource = match call.action.as_str() {
            "sts:AssumeRole" => call.parameter("RoleArn").unwrap().to_owned(),
            "logs:DescribeLogGroups" => group(""),
            "logs:DescribeLogStreams" => group(call.parameter("logGroupName").unwrap()),
            _ => format!("arn:aws:s3:::{}", call.parameter("Bucket").unwrap()),
        };
        policy["Statement"].as_array().unwrap().iter().any(|statement| {
            statement["Effect"] == "Allow"
                && texts(&statement["Action"]).any(|action| action == call.action)
                && texts(&statement["Resource"]).any(|pattern| matches(pattern, &resource))
        })
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().map(|text| text.as_str().unwrap())
}

/// A pattern that may contain `*` only at its end.
fn matches(pattern: &str, text: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == text, |start| text.starts_with(start))
}
