//! Delivery into S3: the central role itself writes to the bucket, whose policy lets it in.

use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    error::SdkError,
    operation::head_bucket::{HeadBucketError, HeadBucketOutput},
    types::PolicyStatus,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tenant_core::{BucketName, BucketPrefix, Check, DeliveryType, ExternalCheck, Field, Region, StoredConfig};

use crate::{
    access::{bucket_arn, to_do_nothing, to_look_at_bucket},
    call::{Failure, FailureKind, call},
    code,
    run::{self, Run},
    sdk::in_region,
    way::{Blocker, Way},
};

/// Goes the way of a delivery as far as it is open.
pub(crate) async fn check(run: &Run<'_>, config: &StoredConfig) -> Vec<Check> {
    let target = Target::of(run, config);
    let policy = target.as_ref().map_or_else(
        |_| to_do_nothing(),
        |target| to_look_at_bucket(&target.bucket, run.partition()),
    );
    let (central, caller) = run.enter(&policy).await;

    let mut way = Way::of(DeliveryType::S3);
    way.add(run.judge_central_role(&central, &caller));
    let target = match target {
        Ok(target) => target,
        Err(blocker) => return way.blocked_by(blocker),
    };
    if target.region.partition() != run.partition() {
        let by_region = Blocker::Subject(ExternalCheck::BucketRegion);
        way.add(by_region.blocks(ExternalCheck::Bucket));
        way.add(in_other_partition(run, &target.region));
        return way.blocked_by(by_region);
    }
    let Ok(central) = central else {
        return way.blocked_by(Blocker::Subject(ExternalCheck::CentralRole));
    };

    let sight = Sight::look(run, &central, &target).await;
    way.add(sight.judge_bucket(&target));
    let Ok(
        head @ Head {
            state: State::Open | State::Closed | State::Elsewhere,
            ..
        },
    ) = &sight.head
    else {
        return way.blocked_by(Blocker::Subject(ExternalCheck::Bucket));
    };
    way.add(head.judge_region(&target));
    if head.state == State::Elsewhere {
        return way.blocked_by(Blocker::Subject(ExternalCheck::BucketRegion));
    }
    way.add(head.judge_access(&target));
    way.add(sight.judge_policy(&target));
    way.add(judge_writes(&target));
    way.end()
}

/// The bucket that the configuration names.
struct Target {
    bucket: BucketName,
    region: Region,
    arn: String,
    /// Under which objects are put.
    objects: String,
    /// The principal that the bucket's policy must let in.
    principal: String,
}

impl Target {
    fn of(run: &Run<'_>, config: &StoredConfig) -> Result<Self, Blocker> {
        let bucket: BucketName = run::parse(config, Field::BucketName)?;
        let region = run.region(config)?;
        let arn = bucket_arn(&bucket, run.partition());
        // Without one of its own, or with a broken one, which is told with the fields, the default is as good an example.
        let prefix: BucketPrefix = run::parse(config, Field::BucketPrefix).unwrap_or_default();
        Ok(Self {
            objects: format!("{arn}/{prefix}*"),
            principal: run.settings.central_role.to_string(),
            bucket,
            region,
            arn,
        })
    }
}

fn in_other_partition(run: &Run<'_>, region: &Region) -> Check {
    ExternalCheck::BucketRegion.invalid(
        code::OTHER_PARTITION,
        format!(
            "{region} is of partition {}, but the logs are delivered by {}, which means nothing there; PATCH target_region \
             to a region of partition {}",
            region.partition().as_str(),
            run.settings.central_role,
            run.partition().as_str()
        ),
    )
}

/// What S3 shows of the bucket.
struct Sight {
    head: Result<Head, Failure>,
    /// Whether the policy lets everybody in.
    is_public: Result<bool, Failure>,
}

/// The answer to a HEAD of the bucket. It has no body, and S3 tells where a bucket is even to whom it refuses.
struct Head {
    state: State,
    region: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    Elsewhere,
    Absent,
}

type HeadFailure = SdkError<HeadBucketError, HttpResponse>;

impl Sight {
    async fn look(run: &Run<'_>, session: &SdkConfig, target: &Target) -> Self {
        let client = Client::new(&in_region(session, &target.region));
        let bucket = target.bucket.as_str();
        let head = Box::pin(async { Head::read(client.head_bucket().bucket(bucket).send().await, &target.region) });
        let policy_status = client.get_bucket_policy_status().bucket(bucket).send();
        let (head, policy_status) = tokio::join!(
            call("s3:ListBucket", run.deadline, head),
            call("s3:GetBucketPolicyStatus", run.deadline, Box::pin(policy_status)),
        );
        Self {
            head,
            is_public: policy_status.map(|answer| {
                let status = answer.policy_status();
                status.and_then(PolicyStatus::is_public).unwrap_or_default()
            }),
        }
    }

    fn judge_bucket(&self, target: &Target) -> Check {
        let Target { bucket, region, .. } = target;
        match &self.head {
            Err(failure) => failure.skip(ExternalCheck::Bucket),
            Ok(head) if head.state == State::Absent => ExternalCheck::Bucket.missing(
                code::NOT_FOUND,
                format!("there is no bucket {bucket}; create it in {region}, or PATCH bucket_name"),
            ),
            Ok(_) => ExternalCheck::Bucket.passed(format!("bucket {bucket} exists")),
        }
    }

    fn judge_policy(&self, target: &Target) -> Check {
        let bucket = &target.bucket;
        match &self.is_public {
            Ok(false) => ExternalCheck::BucketPolicy.passed(format!("the policy of bucket {bucket} is not public")),
            Ok(true) => ExternalCheck::BucketPolicy.invalid(
                code::PUBLIC,
                format!(
                    "the policy of bucket {bucket} is public: anybody may do what it allows to every principal; name \
                     {} as the principal instead",
                    target.principal
                ),
            ),
            Err(failure) => match failure.kind {
                FailureKind::NotFound => ExternalCheck::BucketPolicy.skipped(
                    code::NOT_SET,
                    format!(
                        "bucket {bucket} has no policy, so only identities of its own account may use it, as their own \
                         policies say"
                    ),
                ),
                FailureKind::Denied => ExternalCheck::BucketPolicy.skipped(
                    code::NOT_VISIBLE,
                    format!(
                        "{} may not see whether the policy of bucket {bucket} is public, and need not; to have it \
                         checked, allow s3:GetBucketPolicyStatus on {}",
                        target.principal, target.arn
                    ),
                ),
                _ => failure.skip(ExternalCheck::BucketPolicy),
            },
        }
    }
}

impl Head {
    /// A refusal is an answer, too. `asked` is the region whose endpoint gave it.
    #[expect(clippy::result_large_err, reason = "what is no answer stays the SDK's error")]
    fn read(answer: Result<HeadBucketOutput, HeadFailure>, asked: &Region) -> Result<Self, HeadFailure> {
        let is_elsewhere = |region: &Option<String>| region.as_ref().is_some_and(|region| region != asked.as_str());
        let error = match answer {
            // Emulators answer for every region.
            Ok(HeadBucketOutput {
                bucket_region: region, ..
            }) => {
                let state = if is_elsewhere(&region) {
                    State::Elsewhere
                } else {
                    State::Open
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
            // 301 and 307 lead to where it is, 400 says that the signature was made for another region.
            301 | 307 | 400 | 403 if is_elsewhere(&region) => State::Elsewhere,
            403 => State::Closed,
            _ => return Err(error),
        };
        Ok(Self { state, region })
    }

    fn judge_region(&self, target: &Target) -> Check {
        let Target { bucket, region, .. } = target;
        match &self.region {
            Some(actual) if self.state == State::Elsewhere => ExternalCheck::BucketRegion.invalid(
                code::WRONG_REGION,
                format!("bucket {bucket} is in {actual}, not in {region}; PATCH target_region to {actual}"),
            ),
            Some(_) => ExternalCheck::BucketRegion.passed(format!("bucket {bucket} is in {region}")),
            None => ExternalCheck::BucketRegion.skipped(
                code::NOT_VISIBLE,
                format!("S3 does not say in which region bucket {bucket} is"),
            ),
        }
    }

    fn judge_access(&self, target: &Target) -> Check {
        let Target {
            bucket,
            arn,
            objects,
            principal,
            ..
        } = target;
        match self.state {
            State::Open => ExternalCheck::BucketAccess.passed(format!("{principal} may list bucket {bucket}")),
            _ => ExternalCheck::BucketAccess.invalid(
                code::ACCESS_DENIED,
                format!(
                    "bucket {bucket} exists, but refuses {principal}; its policy must allow s3:ListBucket on {arn} and \
                     s3:PutObject on {objects} to that principal, which needs the same in its own policy"
                ),
            ),
        }
    }
}

/// Only putting an object would prove it.
fn judge_writes(target: &Target) -> Check {
    ExternalCheck::BucketWrites.skipped(
        code::NOT_PROVABLE,
        format!(
            "whether {} may put objects cannot be known without putting one, so see that the policy of bucket {} allows it \
             s3:PutObject on {}",
            target.principal, target.bucket, target.objects
        ),
    )
}
