# The parameters of the root template: their declarations, their values, and whether the values fit. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

# The value of each parameter that will be deployed, and what the template declares about it.
declare -A parameter=() type_of=() pattern_of=() values_of=() minimum_of=() maximum_of=() constraint_of=()
parameter_names=()

# What a value must be, where the template has only a pattern.
declare -rA MEANING=(
  [CentralRoleArn]='the ARN of a role, arn:aws:iam::123456789012:role/NAME'
  [PermissionsBoundaryArn]='the ARN of a policy, arn:aws:iam::123456789012:policy/NAME'
  [WebAclArn]='the ARN of a regional web ACL of AWS WAF'
  [KmsKeyArn]='the ARN of a KMS key, arn:aws:kms:REGION:123456789012:key/ID'
  [TableKmsKeyArn]='the ARN of a KMS key, arn:aws:kms:REGION:123456789012:key/ID'
  [AlarmTopicArn]='the ARN of an SNS topic'
  [AuthorizerConcurrency]='a number of at most 5 digits, or empty'
  [ApiConcurrency]='a number of at most 5 digits, or empty'
  [ValidatorConcurrency]='a number of at most 5 digits, or empty'
  [RecorderConcurrency]='a number of at most 5 digits, or empty'
  [NotifierConcurrency]='a number of at most 5 digits, or empty'
)

read_template_parameters() {
  local name type default pattern values minimum maximum constraint
  parameter_names=()
  while IFS=$'\x1f' read -r name type default pattern values minimum maximum constraint; do
    parameter_names+=("$name")
    parameter[$name]=$default type_of[$name]=$type pattern_of[$name]=$pattern values_of[$name]=$values
    minimum_of[$name]=$minimum maximum_of[$name]=$maximum constraint_of[$name]=$constraint
  done < <(declared_parameters "$TEMPLATES/regional.yaml")
}

# Prints the parameters that a template declares, one per line: name, type, default, pattern, allowed values, smallest and
# largest number, and the description of the constraint, separated by \x1f. It reads YAML as it is written here, with one
# attribute a line, flow lists, block lists and folded texts.
declared_parameters() {
  awk '
    function flush() {
      if (name == "") return
      gsub(/[][",]/, " ", value["AllowedValues"])
      gsub(/ +/, " ", value["AllowedValues"]); sub(/^ /, "", value["AllowedValues"]); sub(/ $/, "", value["AllowedValues"])
      line = name
      for (i = 1; i <= count; i++) {
        text = value[order[i]]
        if (text ~ /^".*"$/) text = substr(text, 2, length(text) - 2)
        line = line "\037" text
      }
      print line
    }
    BEGIN { count = split("Type Default AllowedPattern AllowedValues MinValue MaxValue ConstraintDescription", order, " ") }
    /^[A-Za-z]/ { flush(); name = ""; inside = ($1 == "Parameters:"); next }
    !inside || /^ *(#|$)/ { next }
    /^  [A-Za-z0-9]+:/ { flush(); name = $1; sub(/:$/, "", name); split("", value); field = ""; next }
    /^    [A-Za-z]+:/ {
      field = $1; sub(/:$/, "", field)
      text = $0; sub(/^    [A-Za-z]+: */, "", text)
      value[field] = (text ~ /^[>|][-+]?$/) ? "" : text
      next
    }
    field != "" {
      text = $0; sub(/^ +/, "", text)
      if (field == "AllowedValues") sub(/^- /, "", text)
      value[field] = (value[field] == "") ? text : value[field] " " text
    }
    END { flush() }
  ' "$1"
}

declared_names() {
  declared_parameters "$1" | cut -d $'\x1f' -f1
}

# A parameter has the value from the command line, else from the last deployment, else the template's default. A value
# of the last deployment whose parameter the template no longer has is dropped.
merge_parameters() {
  local name
  for name in "${parameter_names[@]}"; do
    [[ -z ${previous[$name]+set} ]] || parameter[$name]=${previous[$name]}
    [[ -z ${given[$name]+set} ]] || parameter[$name]=${given[$name]}
  done
  default_history
  default_webhooks
  parameter[ProjectName]=$project
  parameter[Environment]=$environment
  parameter[TemplatesBucket]=$bucket
  parameter[PskParameterName]=${parameter[PskParameterName]:-/$project/$environment/api/psk}
  # The templates of an earlier release have no webhooks.
  [[ -z ${parameter[WebhookMasterKeyParameter]+set} ]] ||
    parameter[WebhookMasterKeyParameter]=${parameter[WebhookMasterKeyParameter]:-/$project/$environment/webhooks/master-key}
  # A gateway response's header has fixed text, so it can name only one origin. With several, pages cannot read the
  # gateway's errors, only the API's.
  parameter[ErrorOrigin]=''
  [[ -z ${parameter[AllowedOrigins]} || ${parameter[AllowedOrigins]} == *,* ]] ||
    parameter[ErrorOrigin]="'${parameter[AllowedOrigins]}'"
}

# Checks the merged parameters, each for itself and then together.
check_parameters() {
  local name
  for name in "${parameter_names[@]}"; do
    check_value "$name" "${parameter[$name]}"
  done
  check_origins
  [[ -z ${parameter[AlarmEmail]} || ${parameter[AlarmEmail]} =~ ^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$ ]] ||
    misuse "AlarmEmail must be an e-mail address, not '${parameter[AlarmEmail]}'."
  if [[ ${parameter[IncludeApi]} != true ]]; then
    check_table_only
    return
  fi
  check_package_type
  check_needs
}

# The name of a parameter for the operator: its option, if it has one.
label_of() {
  local option
  for option in "${!PARAMETER_OF[@]}"; do
    [[ ${PARAMETER_OF[$option]} != "$1" ]] || { printf '%s' "$option" && return; }
  done
  printf '%s' "$1"
}

check_value() {
  local name=$1 value=$2 status=0
  [[ $value != *[[:cntrl:]]* ]] || misuse "$(label_of "$name") contains a line break or another control character."
  if [[ ${type_of[$name]} == Number ]]; then
    if [[ ! $value =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || ! is_between "$value" "${minimum_of[$name]}" "${maximum_of[$name]}"; then
      reject_value "$name" "$value"
    fi
  fi
  if [[ -n ${values_of[$name]} && " ${values_of[$name]} " != *" $value "* ]]; then
    reject_value "$name" "$value"
  fi
  if [[ -n ${pattern_of[$name]} ]]; then
    matches "$value" "${pattern_of[$name]}" || status=$?
    # 2: this machine's regular expressions have a lower limit of repetitions. CloudFormation still checks the pattern.
    ((status != 1)) || reject_value "$name" "$value"
  fi
}

matches() {
  [[ $1 =~ $2 ]]
}

is_between() {
  awk -v value="$1" -v minimum="$2" -v maximum="$3" \
    'BEGIN { exit !((minimum == "" || value + 0 >= minimum + 0) && (maximum == "" || value + 0 <= maximum + 0)) }'
}

reject_value() {
  local name=$1 value=$2 meaning=${MEANING[$1]-}
  if [[ -z $meaning && -n ${values_of[$name]} ]]; then
    meaning=$(sed 's/ /, /g; s/\(.*\),/\1 or/' <<<"${values_of[$name]}")
  elif [[ -z $meaning && ${type_of[$name]} == Number ]]; then
    meaning="a number${minimum_of[$name]:+ of at least ${minimum_of[$name]}}${maximum_of[$name]:+ and at most ${maximum_of[$name]}}"
  fi
  misuse "$(label_of "$name") must be ${meaning:-${constraint_of[$name]:-a text that matches ${pattern_of[$name]}}}, not '$value'."
}

# The API function does not start with a list that contains anything else than a browser sends.
check_origins() {
  local origin origins
  [[ ${parameter[AllowedOrigins]} != '*' ]] || return 0
  IFS=',' read -r -a origins <<<"${parameter[AllowedOrigins]}"
  for origin in "${origins[@]}"; do
    origin=${origin# }
    [[ $origin != http://*:80 && $origin != https://*:443 ]] ||
      misuse "--allowed-origins contains '$origin' with the default port, which browsers leave out: use '${origin%:*}'."
    [[ ! $origin =~ :([0-9]+)$ || ${BASH_REMATCH[1]} -le 65535 && ${BASH_REMATCH[1]} -ge 1 ]] ||
      misuse "--allowed-origins contains '$origin', whose port does not exist."
  done
}

# Options that have no effect in this stack are rejected, never ignored.
check_table_only() {
  local name
  for name in "${!given[@]}"; do
    case $name in
      IncludeApi | ManageTable | TableKmsKeyArn) ;;
      *) misuse "Options for the API need --include-api." ;;
    esac
  done
  if $create_psk || $create_webhook_key || [[ -n $binaries$package$monitor ]]; then
    misuse "Options for the API need --include-api."
  fi
}

check_package_type() {
  [[ ${previous[IncludeApi]-} != true || ${previous[PackageType]} == "${parameter[PackageType]}" ]] ||
    fail "The functions have the package type ${previous[PackageType]}, which Lambda cannot change: run --delete, which keeps the table, then deploy again."
  if [[ ${parameter[PackageType]} == Image ]]; then
    [[ -z $binaries ]] || misuse "--binaries needs --package zip."
    return
  fi
  [[ -z ${given[AuthorizerImageUri]+set} ]] || misuse "--authorizer-image-uri needs --package image, and this stack has zip packages."
  [[ -z ${given[ApiImageUri]+set} ]] || misuse "--api-image-uri needs --package image, and this stack has zip packages."
}

# Parameters that need another one.
check_needs() {
  local name
  [[ -n ${parameter[DomainName]} ]] || needs --domain CertificateArn HostedZoneId
  [[ -n ${parameter[DomainName]} || ${given[CloseExecuteApi]-} != true ]] || misuse "CloseExecuteApi needs --domain."
  [[ -z ${parameter[DomainName]} || -n ${parameter[CertificateArn]}${parameter[HostedZoneId]} ]] ||
    misuse "--domain needs --certificate-arn, or --hosted-zone-id to have a certificate issued."
  [[ -n ${parameter[CentralRoleArn]} ]] || needs --central-role-arn ExternalId ValidatorMemory ValidatorConcurrency
  [[ ${parameter[IncludeHistory]-} == true ]] || needs IncludeHistory=true HistoryRetentionDays RecorderMemory RecorderConcurrency
  check_webhook_needs
  [[ ${parameter[HistoryRetentionDays]-} != *.* ]] ||
    misuse "HistoryRetentionDays must be a whole number of days, not '${parameter[HistoryRetentionDays]}'."
  [[ -z ${parameter[AlarmEmail]} || -z ${parameter[AlarmTopicArn]-} ]] ||
    misuse "AlarmEmail subscribes to the topic of the stack, and --alarm-topic-arn names another one: reset one of them."
  if [[ ${parameter[IncludeMonitoring]} != true ]]; then
    [[ -z $monitor ]] || misuse "--monitor needs the alarms: pass --parameter IncludeMonitoring=true."
    for name in "${!given[@]}"; do
      case $name in
        Alarm* | *Threshold | SilenceMinutes | AvailabilityTarget) needs IncludeMonitoring=true "$name" ;;
      esac
    done
  fi
}

needs() {
  local needed=$1 name
  shift
  for name in "$@"; do
    [[ -z ${given[$name]-} ]] || misuse "$(label_of "$name") needs $needed."
  done
}

# Whether the validator is deployed, as the condition HasValidator of regional.yaml.
has_validator() {
  [[ -n ${parameter[CentralRoleArn]} ]]
}
