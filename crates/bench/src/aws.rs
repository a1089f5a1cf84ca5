//! The stand-ins for AWS, in a separate thread: an embedded DynamoDB and an SSM, both with and without TLS.

use std::{future::pending, io, net::SocketAddr, sync::Arc, thread};

use chrono::Utc;
use dynoxide::{AttributeValue, Database, ImportOptions, Item};
use serde_json::{Value, json};
use tenant_core::{
    Field, TenantId,
    history::{ChangeKind, LastChange},
    parse_create,
};
use tenant_store::{client, configs, configs::ConfigStore, schema};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Handle},
};

use crate::{
    error::{BenchError, During},
    sandbox::Function,
    ssm,
    tls::Tls,
};

/// The table that most measurements use.
pub(crate) const TABLE: &str = "bench-tenant-configs";

/// How a function reaches AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    Plain,
    Tls,
}

/// The stand-ins. All clones share them, and they live until the process ends.
#[derive(Clone)]
pub(crate) struct Aws {
    runtime: Handle,
    database: Database,
    dynamodb: SocketAddr,
    ssm: SocketAddr,
    tls: Arc<Tls>,
    tls_dynamodb: SocketAddr,
    tls_ssm: SocketAddr,
}

impl Aws {
    /// Starts them, without any table.
    pub(crate) fn start() -> Result<Self, BenchError> {
        let runtime = runtime_in_a_thread().during("start a thread")?;
        let database = Database::memory().map_err(dynamo_error)?;
        let served = database.clone();
        let dynamodb = serve(&runtime, |listener| dynoxide::server::serve_on(listener, served))?;
        let ssm = serve(&runtime, ssm::serve)?;
        let tls = Tls::new()?;
        let tls_dynamodb = serve(&runtime, tls.front(dynamodb))?;
        let tls_ssm = serve(&runtime, tls.front(ssm))?;
        Ok(Self {
            runtime,
            database,
            dynamodb,
            ssm,
            tls: Arc::new(tls),
            tls_dynamodb,
            tls_ssm,
        })
    }

    /// The address of the DynamoDB, without TLS.
    pub(crate) fn dynamodb(&self) -> SocketAddr {
        self.dynamodb
    }

    /// Adds a server to those of the thread; it gets a listener on a free port.
    pub(crate) fn serve<S: Future<Output = ()> + Send + 'static>(
        &self,
        server: impl FnOnce(TcpListener) -> S,
    ) -> Result<SocketAddr, BenchError> {
        serve(&self.runtime, server)
    }

    /// The function, configured with the addresses of the stand-ins.
    pub(crate) fn connect(&self, function: Function, transport: Transport) -> Function {
        let function = function
            .with("TENANT_CONFIG_TABLE", TABLE)
            .with("PSK_PARAMETER_NAME", ssm::PARAMETER);
        match transport {
            Transport::Plain => function
                .with("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", self.dynamodb))
                .with("AWS_ENDPOINT_URL_SSM", format!("http://{}", self.ssm)),
            // By name, since name resolution is part of the measurement.
            Transport::Tls => function
                .with(
                    "AWS_ENDPOINT_URL_DYNAMODB",
                    format!("https://localhost:{}", self.tls_dynamodb.port()),
                )
                .with(
                    "AWS_ENDPOINT_URL_SSM",
                    format!("https://localhost:{}", self.tls_ssm.port()),
                )
                .with("SSL_CERT_FILE", self.tls.bundle().display().to_string()),
        }
    }

    /// Creates a table as the deployment does.
    pub(crate) async fn create_table(&self, name: &str) -> Result<(), BenchError> {
        let client = client::connect_embedded(&format!("http://{}", self.dynamodb));
        Ok(schema::ensure_table(&client, name, &configs::SCHEMA).await?)
    }

    /// Stores a configuration as the service does.
    pub(crate) async fn create(&self, table: &str, tenant: &str, body: &Value) -> Result<(), BenchError> {
        let tenant: TenantId = tenant.parse().map_err(dynamo_error)?;
        let now = Utc::now();
        let config = parse_create(body.to_string().as_bytes(), &tenant, now).map_err(dynamo_error)?;
        let client = client::connect_embedded(&format!("http://{}", self.dynamodb));
        let by = LastChange {
            request_id: "bench".to_owned(),
            kind: ChangeKind::Create,
            key: None,
            at: now,
            note: None,
            cause: None,
            restored_from: None,
        };
        ConfigStore::new(client, table).create(&config, &by, now).await?;
        Ok(())
    }

    /// Fills a table with copies of an item of [`TABLE`], each of a different tenant.
    pub(crate) fn multiply(
        &self,
        tenant: &str,
        delivery_type: &str,
        table: &str,
        copies: usize,
    ) -> Result<(), BenchError> {
        let item = self
            .item(tenant, delivery_type)?
            .ok_or_else(|| dynamo_error("there is no such item"))?;
        let items = (0..copies).map(|copy| {
            let mut item = item.clone();
            item.insert(
                Field::TenantId.name().to_owned(),
                AttributeValue::S(numbered_tenant(copy)),
            );
            item
        });
        let imported = self
            .database
            .import_items(table, items.collect(), ImportOptions::default());
        imported.map(drop).map_err(dynamo_error)
    }

    /// An item of [`TABLE`], read directly from the database.
    pub(crate) fn item(&self, tenant: &str, delivery_type: &str) -> Result<Option<Item>, BenchError> {
        let request = serde_json::from_value(json!({
            "TableName": TABLE,
            "Key": {Field::TenantId.name(): {"S": tenant}, Field::Type.name(): {"S": delivery_type}},
        }))?;
        let output = self.database.get_item(request).map_err(dynamo_error)?;
        Ok(output.item)
    }
}

/// The tenant of one copy that [`Aws::multiply`] makes.
pub(crate) fn numbered_tenant(copy: usize) -> String {
    format!("tenant-{copy:06}")
}

fn runtime_in_a_thread() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("aws".to_owned())
        .spawn(move || runtime.block_on(pending::<()>()))?;
    Ok(handle)
}

fn serve<S: Future<Output = ()> + Send + 'static>(
    runtime: &Handle,
    server: impl FnOnce(TcpListener) -> S,
) -> Result<SocketAddr, BenchError> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).during("listen on loopback")?;
    listener.set_nonblocking(true).during("listen on loopback")?;
    let address = listener.local_addr().during("listen on loopback")?;
    let _entered = runtime.enter();
    let listener = TcpListener::from_std(listener).during("listen on loopback")?;
    runtime.spawn(server(listener));
    Ok(address)
}

fn dynamo_error(error: impl std::fmt::Display) -> BenchError {
    BenchError::Dynamo(error.to_string())
}
