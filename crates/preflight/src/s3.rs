//! Delivery to S3: the central role itself writes to the bucket, whose policy must allow it.

use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    error::SdkError,
    operation::head_bucket::{HeadBucketError, HeadBucketOutput},
    types::PolicyStatus,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tenant_core::{
    BucketName, BucketPrefix, Check, DeliveryType, ExternalCheck, Field, Partition, Region, StoredConfig,
};

use crate::{
    call::{Failure, FailureKind, call},
    checklist::{Blocker, Checklist},
    code,
    context::{self, ProbeContext},
    sdk::in_region,
    session::{bucket_arn, deny_all_policy, inspect_bucket_policy},
};

/// Follows the steps of a delivery until one is blocked.
pub(crate) async fn check(context: &ProbeContext<'_>, config: &StoredConfig) -> Vec<Check> {
    let target = Target::from_config(context, config);
    let policy = target.as_ref().map_or_else(
        |_| deny_all_policy(),
        |target| inspect_bucket_policy(&target.bucket, context.partition()),
    );
    let (central, caller) = context.assume_central_role(&policy).await;

    let mut checklist = Checklist::for_type(DeliveryType::S3);
    checklist.push(context.check_central_role(&central, &caller));
    let by_region = Blocker::Check(ExternalCheck::BucketRegion);
    let target = match target {
        Ok(target) => target,
        Err(blocker @ Blocker::UnknownRegion) => {
            checklist.push(by_region.skip(ExternalCheck::Bucket));
            checklist.push(blocker.skip(ExternalCheck::BucketRegion));
            return checklist.blocked_by(by_region);
        }
        Err(blocker) => return checklist.blocked_by(blocker),
    };
    if let Some(partition) = target
        .region
        .partition()
        .filter(|partition| *partition != context.partition())
    {
        checklist.push(by_region.skip(ExternalCheck::Bucket));
        checklist.push(in_other_partition(context, &target.region, partition));
        return checklist.blocked_by(by_region);
    }
    let Ok(central) = central else {
        return checklist.blocked_by(Blocker::Check(ExternalCheck::CentralRole));
    };

    let observations = Observations::fetch(context, &central, &target).await;
    checklist.push(observations.check_bucket(&target));
    let Ok(
        head @ Head {
            state: State::Accessible | State::Denied | State::Elsewhere,
            ..
        },
    ) = &observations.head
    else {
        return checklist.blocked_by(Blocker::Check(ExternalCheck::Bucket));
    };
    checklist.push(head.check_region(&target));
    if head.state == State::Elsewhere {
        return checklist.blocked_by(by_region);
    }
    checklist.push(head.check_access(&target));
    checklist.push(observations.check_policy(&target));
    checklist.push(check_writes(&target));
    checklist.finish()
}

/// The bucket that the configuration names.
struct Target {
    bucket: BucketName,
    region: Region,
    arn: String,
    /// The ARN pattern of the objects that delivery puts.
    objects: String,
    /// The principal that the bucket's policy must allow.
    principal: String,
}

impl Target {
    fn from_config(context: &ProbeContext<'_>, config: &StoredConfig) -> Result<Self, Blocker> {
        let bucket: BucketName = context::parse(config, Field::BucketName)?;
        let region = context.region(config)?;
        let arn = bucket_arn(&bucket, context.partition());
        // A missing prefix has a default. An invalid one is reported with the fields, and the default is as good an example.
        let prefix: BucketPrefix = context::parse(config, Field::BucketPrefix).unwrap_or_default();
        Ok(Self {
            objects: format!("{arn}/{prefix}*"),
            principal: context.settings.central_role.to_string(),
            bucket,
            region,
            arn,
        })
    }
}

fn in_other_partition(context: &ProbeContext<'_>, region: &Region, partition: Partition) -> Check {
    ExternalCheck::BucketRegion.invalid(
        code::OTHER_PARTITION,
        format!(
            "{region} is in partition {partition}, but the logs are delivered by {}, which does not exist in that partition: PATCH \
             target_region to a region in partition {}",
            context.settings.central_role,
            context.partition().as_str()
        ),
    )
}

/// What S3 reports about the bucket.
struct Observations {
    head: Result<Head, Failure>,
    /// Whether the bucket's policy is public.
    is_public: Result<bool, Failure>,
}

/// The response to a HEAD of the bucket. It has no body, and S3 reports the region of a bucket even when it denies access.
struct Head {
    state: State,
    region: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Accessible,
    Denied,
    Elsewhere,
    Absent,
}

type HeadFailure = SdkError<HeadBucketError, HttpResponse>;

impl Observations {
    async fn fetch(context: &ProbeContext<'_>, session: &SdkConfig, target: &Target) -> Self {
        let client = Client::new(&in_region(session, &target.region));
        let bucket = target.bucket.as_str();
        let head =
            Box::pin(async { Head::from_response(client.head_bucket().bucket(bucket).send().await, &target.region) });
        let policy_status = client.get_bucket_policy_status().bucket(bucket).send();
        let (head, policy_status) = tokio::join!(
            call("s3:ListBucket", context.deadline, head),
            call("s3:GetBucketPolicyStatus", context.deadline, Box::pin(policy_status)),
        );
        Self {
            head,
            is_public: policy_status.map(|response| {
                let status = response.policy_status();
                status.and_then(PolicyStatus::is_public).unwrap_or_default()
            }),
        }
    }

    fn check_bucket(&self, target: &Target) -> Check {
        let Target { bucket, region, .. } = target;
        match &self.head {
            Err(failure) => failure.skip(ExternalCheck::Bucket),
            Ok(head) if head.state == State::Absent => ExternalCheck::Bucket.missing(
                code::NOT_FOUND,
                format!("bucket {bucket} does not exist: create it in {region}, or PATCH bucket_name"),
            ),
            Ok(_) => ExternalCheck::Bucket.passed(format!("bucket {bucket} exists")),
        }
    }

    fn check_policy(&self, target: &Target) -> Check {
        let bucket = &target.bucket;
        match &self.is_public {
            Ok(false) => ExternalCheck::BucketPolicy.passed(format!("the policy of bucket {bucket} is not public")),
            Ok(true) => ExternalCheck::BucketPolicy.invalid(
                code::PUBLIC,
                format!(
                    "the policy of bucket {bucket} is public, so anyone can do what it allows to every principal: name {} \
                     as the principal instead",
                    target.principal
                ),
            ),
            Err(failure) => match failure.kind {
                FailureKind::NotFound => ExternalCheck::BucketPolicy.skipped(
                    code::NOT_SET,
                    format!(
                        "bucket {bucket} has no policy, so only identities in its own account can use it, as their own \
                         policies allow"
                    ),
                ),
                FailureKind::Denied => ExternalCheck::BucketPolicy.skipped(
                    code::NOT_VISIBLE,
                    format!(
                        "{} is not allowed to read whether the policy of bucket {bucket} is public, which delivery does not \
                         need: to have it checked, allow s3:GetBucketPolicyStatus on {}",
                        target.principal, target.arn
                    ),
                ),
                _ => failure.skip(ExternalCheck::BucketPolicy),
            },
        }
    }
}

impl Head {
    /// A denial is a usable response, too. `endpoint` is the region that responded.
    #[expect(
        clippy::result_large_err,
        reason = "a failure without a usable response stays the SDK's error"
    )]
    fn from_response(response: Result<HeadBucketOutput, HeadFailure>, endpoint: &Region) -> Result<Self, HeadFailure> {
        let is_elsewhere = |region: &Option<String>| region.as_ref().is_some_and(|region| region != endpoint.as_str());
        let error = match response {
            // Emulators respond for every region.
            Ok(HeadBucketOutput {
                bucket_region: region, ..
            }) => {
                let state = if is_elsewhere(&region) {
                    State::Elsewhere
                } else {
                    State::Accessible
                };
                return Ok(Self { state, region });
            }
            Err(error) => error,
        };
        let Some(response) = error.raw_response() else {
            return Err(error);
        };
        let region = response.headers().get("x-amz-bucket-region").map(str::to_owned);
        let state = match response.status().as_u16() {
            404 => State::Absent,
            // 301 and 307 redirect to its region. 400 means that the signature was made for another region.
            301 | 307 | 400 | 403 if is_elsewhere(&region) => State::Elsewhere,
            403 => State::Denied,
            _ => return Err(error),
        };
        Ok(Self { state, region })
    }

    fn check_region(&self, target: &Target) -> Check {
        let Target { bucket, region, .. } = target;
        match &self.region {
            Some(actual) if self.state == State::Elsewhere => ExternalCheck::BucketRegion.invalid(
                code::WRONG_REGION,
                format!("bucket {bucket} is in {actual}, not in {region}: PATCH target_region to {actual}"),
            ),
            Some(_) => ExternalCheck::BucketRegion.passed(format!("bucket {bucket} is in {region}")),
            None => ExternalCheck::BucketRegion.skipped(
                code::NOT_VISIBLE,
                format!("S3 does not report the region of bucket {bucket}"),
            ),
        }
    }

    fn check_access(&self, target: &Target) -> Check {
        let Target {
            bucket,
            arn,
            objects,
            principal,
            ..
        } = target;
        match self.state {
            State::Accessible => ExternalCheck::BucketAccess.passed(format!("{principal} can list bucket {bucket}")),
            _ => ExternalCheck::BucketAccess.invalid(
                code::ACCESS_DENIED,
                format!(
                    "bucket {bucket} exists, but denies access to {principal}: its policy must allow s3:ListBucket on {arn} \
                     and s3:PutObject on {objects} to that principal, which needs the same in its own policy"
                ),
            ),
        }
    }
}

/// Only putting an object would prove it.
fn check_writes(target: &Target) -> Check {
    ExternalCheck::BucketWrites.skipped(
        code::NOT_PROVABLE,
        format!(
            "only putting an object would prove that {} can put objects: check that the policy of bucket {} allows it \
             s3:PutObject on {}",
            target.principal, target.bucket, target.objects
        ),
    )
}
