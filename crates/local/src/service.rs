//! Combines the parts, from the command line to the shutdown.

use std::{
    error::Error,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
};

use api::{Api, AppState, Stores};
use authorizer::{
    Authorizer,
    keys::{KeySourceError, ParameterName},
};
use aws_smithy_http_client::Builder;
use lambda::server::termination;
use tenant_core::webhook::MasterKeyError;
use tenant_store::{StoreError, client, configs, configs::ConfigStore, schema};
use tokio::net::TcpListener;

use crate::{
    aws::external_checks,
    banner::{Banner, KeyLocation, Location},
    cli::{self, KeyChoice, Options},
    data_dir::{DataDir, DataDirError},
    database::{DatabaseError, EmbeddedDynamoDb},
    descriptors::make_room_for_clients,
    gateway::{Gateway, Limits, Settings},
    history::{HistoryError, RecordedHistory},
    keys::LocalKeySource,
    psk::{Psk, PskError},
    webhooks::{PreparedWebhooks, RunningWebhooks, WebhooksError},
};

/// Why the server does not start. Each message contains a remedy, in one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port is in use.
    #[error("port {} of {} is in use by another program: stop that one, or choose another port with --port (0 picks a free one)", .0.port(), .0.ip())]
    PortInUse(SocketAddr),
    /// The server cannot listen on the address.
    #[error("cannot listen on {address} ({source}): choose another address with --host, or another port with --port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The embedded DynamoDB cannot be started.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The key cannot be used.
    #[error(transparent)]
    Psk(#[from] PskError),
    /// The file of the webhooks' master key contains something else.
    #[error(
        "{0}: remove the file webhook-key from the data directory to create another one, which changes the secrets of all webhooks"
    )]
    WebhookKey(#[from] MasterKeyError),
    /// The parameter with the key cannot be read.
    #[error("the key cannot be read from the SSM parameter {} ({}): check its name, AWS_REGION and the credentials", .parameter.as_str(), with_cause(.source))]
    Parameter {
        /// The parameter.
        parameter: ParameterName,
        /// The reason.
        source: KeySourceError,
    },
    /// The table cannot be used.
    #[error("the table {table} cannot be used ({}): {}", with_cause(.source), hint(.location))]
    Table {
        /// The table.
        table: String,
        /// Its location.
        location: Location,
        /// The reason.
        source: StoreError,
    },
    /// The port for the table cannot be used.
    #[error(
        "the table cannot be exposed on port {port} of 127.0.0.1 ({source}): choose another port with --expose-table (0 \
         picks a free one)"
    )]
    TablePort {
        /// The port.
        port: u16,
        /// The operating system's error.
        source: io::Error,
    },
    /// The process cannot be set up.
    #[error("the server cannot be set up ({0})")]
    Setup(#[from] io::Error),
}

fn hint(location: &Location) -> &'static str {
    match location {
        Location::Memory => "start the server again",
        Location::File(_) => "choose another --data-dir to start with an empty table",
        Location::Endpoint(_) => "check that --dynamodb-endpoint is the URL of a running DynamoDB",
        Location::Aws => "check --table, AWS_REGION and the credentials",
    }
}

/// An error with its root cause, in one line.
fn with_cause(error: &dyn Error) -> String {
    let mut last = None;
    while let Some(cause) = last.unwrap_or(error).source() {
        last = Some(cause);
    }
    let cause = last.map(ToString::to_string).unwrap_or_default();
    // The AWS SDK lists its attempts below the first line.
    match cause.lines().next() {
        Some(cause) => format!("{error}: {}", cause.trim_end_matches(". Attempted:")),
        None => error.to_string(),
    }
}

/// Runs the whole service until the process gets a termination signal.
pub async fn run(options: Options) -> Result<(), StartError> {
    let terminated = termination()?;
    // The port comes first: it is the most likely to fail, and fails before anything is created.
    let listener = listen((options.host, options.port).into()).await?;
    let (keys, key_location) = find_key(&options).await?;
    let Table {
        store,
        history,
        webhooks,
        location,
        embedded,
        endpoint,
    } = find_table(&options).await?;

    let authorizer_settings = authorizer::config::Settings {
        require_body_digest: options.require_body_sha256,
        ..authorizer::config::Settings::default()
    };
    let authorizer = Authorizer::new(keys, authorizer_settings);
    if let KeyLocation::Parameter(parameter) = &key_location {
        let prefetched = authorizer.prefetch().await;
        prefetched.map_err(|source| StartError::Parameter {
            parameter: parameter.clone(),
            source,
        })?;
    }
    let api_settings = api::config::Settings {
        allowed_origins: options.allowed_origins.clone(),
        ..api::config::Settings::default()
    };
    let api_state = AppState::new(Stores { configs: store }, api_settings);
    let api_state = match &history {
        Some(history) => api_state.with_history(history.store.clone()),
        None => api_state,
    };
    let api_state = match &webhooks {
        Some(running) => api_state.with_webhooks(running.webhooks.clone()),
        None => api_state,
    };
    let api_state = match options.central_role_arn.clone() {
        Some(role) => api_state
            .with_external_checks(external_checks(role, options.external_id.clone(), options.region.clone()).await),
        None => api_state,
    };
    let api = Api::new(api_state);
    let settings = Settings {
        stage: options.stage.clone(),
        region: options.region.clone(),
        allowed_origins: options.allowed_origins.clone(),
        limits: Limits::default(),
        max_connections: make_room_for_clients(),
    };

    announce(&Banner {
        address: listener.local_addr()?,
        stage: &options.stage,
        table: &options.table(),
        location,
        table_endpoint: endpoint,
        key: key_location,
    });
    let shutdown = async {
        terminated.await;
        embedded.iter().for_each(EmbeddedDynamoDb::begin_stop);
    };
    Gateway::new(authorizer, api, settings)
        .serve(listener, shutdown)
        .await?;
    if let Some(history) = history {
        history.stop().await;
    }
    if let Some(webhooks) = webhooks {
        webhooks.stop().await;
    }
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse(address),
        _ => StartError::Listen { address, source },
    })
}

async fn find_key(options: &Options) -> Result<(LocalKeySource, KeyLocation), StartError> {
    let psk = match options.key_choice() {
        KeyChoice::Parameter(aws, name) => {
            let source = aws.keys(name.clone()).await;
            return Ok((LocalKeySource::Aws(source), KeyLocation::Parameter(name)));
        }
        KeyChoice::Provided(value, origin) => Psk::from_flag(&value, origin)?,
        KeyChoice::File(path) => Psk::from_file(path)?,
        KeyChoice::Stored => Psk::load_or_create(&DataDir::open(&options.data_dir)?)?,
    };
    Ok((LocalKeySource::Fixed(psk.key), KeyLocation::Local(psk.origin)))
}

/// The table of the service.
struct Table {
    store: ConfigStore,
    /// Of the embedded table. Nobody records the changes of another one here.
    history: Option<RecordedHistory>,
    /// The same.
    webhooks: Option<RunningWebhooks>,
    location: Location,
    embedded: Option<EmbeddedDynamoDb>,
    /// The address of the exposed table.
    endpoint: Option<SocketAddr>,
}

impl Table {
    fn outside(store: ConfigStore, location: Location) -> Self {
        Self {
            store,
            history: None,
            webhooks: None,
            location,
            embedded: None,
            endpoint: None,
        }
    }
}

async fn find_table(options: &Options) -> Result<Table, StartError> {
    let name = options.table();
    let unusable = |location, source| StartError::Table {
        table: options.table(),
        location,
        source,
    };
    if let Some(aws) = options.aws {
        let store = aws.configs(&name).await;
        return match store.ping().await {
            Ok(()) => Ok(Table::outside(store, Location::Aws)),
            Err(source) => Err(unusable(Location::Aws, source)),
        };
    }
    if let Some(url) = &options.dynamodb_endpoint {
        let client = client::connect_embedded_through(Builder::new().build_http(), url);
        let location = Location::Endpoint(url.clone());
        return match schema::ensure_table(&client, &name, &configs::SCHEMA).await {
            Ok(()) => Ok(Table::outside(ConfigStore::new(client, name), location)),
            Err(source) => Err(unusable(location, source)),
        };
    }
    let mut embedded = if options.in_memory {
        EmbeddedDynamoDb::temporary(&cli::temporary_folder())?
    } else {
        EmbeddedDynamoDb::in_dir(&DataDir::open(&options.data_dir)?)?
    };
    let location = embedded
        .file()
        .map_or(Location::Memory, |file| Location::File(file.to_owned()));
    let client = embedded.client();
    if let Err(source) = schema::ensure_table(&client, &name, &configs::SCHEMA).await {
        return Err(unusable(location, source));
    }
    let history_table = options.history_table();
    let webhooks = PreparedWebhooks::new(&client, options)
        .await
        .map_err(|error| match error {
            WebhooksError::Store(source) => StartError::Table {
                table: options.webhook_tables().0,
                location: location.clone(),
                source,
            },
            WebhooksError::DataDir(error) => error.into(),
            WebhooksError::Key(error) => error.into(),
            WebhooksError::Invalid(error) => StartError::WebhookKey(error),
        })?;
    let history = RecordedHistory::start(
        &mut embedded,
        &name,
        &history_table,
        &options.region,
        &webhooks.fan_out(),
    )
    .await
    .map_err(|error| match error {
        HistoryError::Store(source) => StartError::Table {
            table: history_table,
            location: location.clone(),
            source,
        },
        HistoryError::Database(error) => error.into(),
    })?;
    let endpoint = match options.expose_table {
        Some(port) => Some(expose(&mut embedded, port).await?),
        None => None,
    };
    Ok(Table {
        store: ConfigStore::new(client, name),
        webhooks: Some(webhooks.start(history.store.clone())),
        history: Some(history),
        location,
        embedded: Some(embedded),
        endpoint,
    })
}

async fn expose(embedded: &mut EmbeddedDynamoDb, port: u16) -> Result<SocketAddr, StartError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| StartError::TablePort { port, source })?;
    let address = listener.local_addr()?;
    embedded.expose(listener);
    Ok(address)
}

fn announce(banner: &Banner<'_>) {
    // A closed standard output is not a reason to stop.
    let mut stdout = io::stdout().lock();
    let _ = write!(stdout, "{banner}").and_then(|()| stdout.flush());
}
