# The checks of a custom domain: its name, certificate and zone. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # the variables are deploy.sh's

check_domain() {
  local name=${parameter[DomainName]} changed=''
  [[ -n $name ]] || return 0
  [[ $name =~ ^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$ && ${#name} -le 253 ]] ||
    misuse "--domain must be a host name in lower case such as api.example.com, not '$name'."
  changed=${given[DomainName]-}${given[CertificateArn]-}${given[HostedZoneId]-}
  [[ -n $changed ]] || return 0
  [[ -z ${parameter[CertificateArn]} ]] || check_certificate "$name" "${parameter[CertificateArn]}"
  [[ -z ${parameter[HostedZoneId]} ]] || check_zone "$name" "${parameter[HostedZoneId]}"
}

# A certificate that this caller is not allowed to read is left to API Gateway.
check_certificate() {
  local name=$1 arn=$2 certificate status key names covers=false covered
  [[ $arn =~ ^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$ ]] ||
    misuse "--certificate-arn must be the ARN of a certificate in ACM, not '$arn'."
  if ! certificate=$(aws_call acm describe-certificate --certificate-arn "$arn" \
    --query "Certificate.[Status,KeyAlgorithm,join(' ',SubjectAlternativeNames || [DomainName])]"); then
    is_denied && return
    fail "The certificate $arn was not found: pass one of this account and region. ($(aws_error))"
  fi
  IFS=$'\t' read -r status key names <<<"$certificate"
  [[ $status == ISSUED ]] ||
    fail "The certificate $arn is $status: finish its validation first, or pass --hosted-zone-id alone to have one issued."
  case $key in
    RSA_1024 | RSA-1024) fail "The key of the certificate $arn has 1024 bits: use one with at least 2048." ;;
  esac
  for covered in $names; do
    [[ $covered != "$name" && $covered != "*.${name#*.}" ]] || covers=true
  done
  $covers || fail "The certificate $arn is for $names, not for $name."
}

check_zone() {
  local name=$1 id=$2 zone domain private
  [[ $id =~ ^Z[A-Z0-9]{1,31}$ ]] || misuse "--hosted-zone-id must be the id of a Route 53 zone such as Z0123456789ABCDEFGHIJ, not '$id'."
  if ! zone=$(aws_call route53 get-hosted-zone --id "$id" --query 'HostedZone.[Name,Config.PrivateZone]'); then
    is_denied && return
    fail "The hosted zone $id was not found: pass the id of the public zone of $name. ($(aws_error))"
  fi
  IFS=$'\t' read -r domain private <<<"$zone"
  [[ $private != True ]] || fail "The hosted zone $id is private: pass the id of the public zone of $name."
  [[ $name == "${domain%.}" || $name == *."${domain%.}" ]] ||
    fail "The hosted zone $id is for ${domain%.}, which $name is not in: pass the id of the zone of $name."
}
