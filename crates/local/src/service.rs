//! The parts put together, from the command line to the last answer.

use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
};

use api::{Api, AppState, ExternalChecks, Stores};
use authorizer::{
    Authorizer,
    keys::{KeySourceError, ParameterName, ssm},
};
use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::ProfileFileRegionProvider,
};
use lambda::server::termination;
use tenant_store::{StoreError, client, configs, configs::ConfigStore, schema};
use tokio::net::TcpListener;

use crate::{
    banner::{Banner, KeyLocation, Location},
    cli::{KeyChoice, Options},
    data_dir::{DataDir, DataDirError},
    database::{DatabaseError, EmbeddedDynamoDb},
    gateway::{Gateway, Limits, Settings},
    keys::LocalKeySource,
    psk::{Psk, PskError},
};

/// Why the server does not start. Each says in one sentence what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port is taken.
    #[error("port {} of {} is in use by another program; end that one, or choose another with --port (0 picks a free one)", .0.port(), .0.ip())]
    PortInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error(
        "{address} cannot be listened on ({source}); choose another address with --host, or another port with --port"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The embedded DynamoDB does not start.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is no key.
    #[error(transparent)]
    Psk(#[from] PskError),
    /// The parameter with the key cannot be read.
    #[error("the key cannot be read from the SSM parameter {} ({}); check its name, AWS_REGION and the credentials", .parameter.as_str(), with_cause(.source))]
    Parameter {
        /// The parameter.
        parameter: ParameterName,
        /// What is wrong with it.
        source: KeySourceError,
    },
    /// The table cannot be used.
    #[error("the table {table} cannot be used ({}); {}", with_cause(.source), hint(.location))]
    Table {
        /// The table.
        table: String,
        /// Where it is, or should be.
        location: Location,
        /// What is wrong with it.
        source: StoreError,
    },
    /// The process cannot be set up.
    #[error("the server cannot be set up ({0})")]
    Setup(#[from] io::Error),
}

fn hint(location: &Location) -> &'static str {
    match location {
        Location::Memory => "start the server again",
        Location::File(_) => "choose another --data-dir to start with an empty table",
        Location::Endpoint(_) => "check that --dynamodb-endpoint is the URL of a DynamoDB that runs",
        Location::Aws => "check --table, AWS_REGION and the credentials",
    }
}

/// An error with the last of its causes, which is what a person can act on; in one line.
fn with_cause(error: &dyn Error) -> String {
    let mut last = None;
    while let Some(cause) = last.unwrap_or(error).source() {
        last = Some(cause);
    }
    let cause = last.map(ToString::to_string).unwrap_or_default();
    // The AWS SDK lists below the first line what it has tried.
    match cause.lines().next() {
        Some(cause) => format!("{error}: {}", cause.trim_end_matches(". Attempted:")),
        None => error.to_string(),
    }
}

/// Runs the whole service until it is told to end.
pub async fn run(options: Options) -> Result<(), StartError> {
    let terminated = termination()?;
    // The port comes first: it is the likeliest to fail, and fails before anything is made.
    let listener = listen((options.host, options.port).into()).await?;
    let (keys, key_location) = find_key(&options).await?;
    let (store, location, embedded) = find_table(&options).await?;

    let authorizer_settings = authorizer::config::Settings {
        require_body_digest: options.require_body_sha256,
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
    };
    let mut api_state = AppState::new(Stores { configs: store }, api_settings);
    if let Some(external_checks) = external_checks(&options).await {
        api_state = api_state.with_live_checks(external_checks);
    }
    let api = Api::new(api_state);
    let settings = Settings {
        stage: options.stage.clone(),
        region: options.region.clone(),
        allowed_origins: options.allowed_origins.clone(),
        limits: Limits::default(),
    };

    announce(&Banner {
        address: listener.local_addr()?,
        stage: &options.stage,
        table: &options.table(),
        location,
        key: key_location,
    });
    Gateway::new(authorizer, api, settings)
        .serve(listener, terminated)
        .await?;
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    Ok(())
}

/// Looking beyond the table takes a role of the real AWS, wherever the table is.
async fn external_checks(options: &Options) -> Option<Arc<dyn ExternalChecks>> {
    let settings = tenant_preflight::Settings {
        external_id: options.external_id.clone(),
        ..tenant_preflight::Settings::new(options.central_role_arn.clone()?)
    };
    // Not the default chain, which asks last for an EC2 instance that is not there, and waits.
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(Region::new(options.region.clone()));
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .load()
        .await;
    Some(validator::external_checks(sdk, settings))
}

/// The operator's AWS, however they sign in to it.
async fn aws() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse(address),
        _ => StartError::Listen { address, source },
    })
}

async fn find_key(options: &Options) -> Result<(LocalKeySource, KeyLocation), StartError> {
    let psk = match options.key_choice() {
        KeyChoice::Parameter(name) => {
            let client = ssm::client(&aws().await);
            let source = ssm::SsmKeySource::new(client, name.clone());
            return Ok((LocalKeySource::Ssm(source), KeyLocation::Parameter(name)));
        }
        KeyChoice::Given(value, origin) => Psk::given(&value, origin)?,
        KeyChoice::Kept => Psk::kept(&DataDir::open(&options.data_dir)?)?,
    };
    Ok((LocalKeySource::Fixed(psk.key), KeyLocation::Local(psk.origin)))
}

async fn find_table(options: &Options) -> Result<(ConfigStore, Location, Option<EmbeddedDynamoDb>), StartError> {
    let table = options.table();
    if options.aws {
        let store = ConfigStore::new(client::from_sdk_config(&aws().await), &table);
        return match store.ping().await {
            Ok(()) => Ok((store, Location::Aws, None)),
            Err(source) => Err(StartError::Table {
                table,
                location: Location::Aws,
                source,
            }),
        };
    }
    let (client, location, embedded) = if let Some(endpoint) = &options.dynamodb_endpoint {
        (
            client::connect_embedded(endpoint),
            Location::Endpoint(endpoint.clone()),
            None,
        )
    } else {
        let embedded = if options.in_memory {
            EmbeddedDynamoDb::in_memory().await?
        } else {
            EmbeddedDynamoDb::in_dir(&DataDir::open(&options.data_dir)?).await?
        };
        let location = embedded
            .file()
            .map_or(Location::Memory, |file| Location::File(file.to_owned()));
        (client::connect_embedded(embedded.endpoint()), location, Some(embedded))
    };
    match schema::ensure_table(&client, &table, &configs::SCHEMA).await {
        Ok(()) => Ok((ConfigStore::new(client, table), location, embedded)),
        Err(source) => Err(StartError::Table {
            table,
            location,
            source,
        }),
    }
}

fn announce(banner: &Banner<'_>) {
    // A reader of standard output that has gone is no reason to stop.
    let mut stdout = io::stdout().lock();
    let _ = write!(stdout, "{banner}").and_then(|()| stdout.flush());
}
