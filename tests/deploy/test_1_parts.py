"""Parts of deploy.sh by themselves: what it reads from the templates, its signature, and how it follows a stack."""

import hmac
import shlex
import subprocess

import pytest
import yaml
from cloud import ROOT


def run_part(library, script):
    """Runs a script with the functions of one library of deploy.sh."""
    before = f"""
        set -euo pipefail
        source cloudformation/lib/{library}.sh
        info() {{ echo "$1"; }}
        fail() {{ echo "$1" && exit 1; }}
        sleep() {{ :; }}
        common_options() {{ echo " -e ours"; }}
        stack=ours region=eu-central-1 monitor=
    """
    return subprocess.run(["bash", "-c", before + script], cwd=ROOT, capture_output=True, text=True, timeout=60)


def follow(stand_ins):
    """Lets deploy.sh follow a stack, with these functions instead of its own."""
    return run_part("events", stand_ins + '\nwatched=(arn:ours)\nfollow_stack\necho "$stack_status"')


SETTINGS = (
    "Time to live is disabled",
    "Point-in-time recovery is disabled",
    "Deletion protection is disabled",
    "arn:key",
)


@pytest.mark.parametrize(
    ("ttl", "backups", "table", "reported"),
    [
        ("ENABLED\\tttl", "ENABLED", "True\\tNone", []),
        ("DISABLED\\tNone", "DISABLED", "False\\tarn:key", [0, 1, 2, 3]),
        ("ENABLED\\texpires", "ENABLED", "None\\tNone", [0, 2]),
        ("ENABLING\\tttl", "ENABLED", "True\\tarn:key", [3]),
        ("", "", "", []),
    ],
)
def test_missing_table_settings_are_reported_with_the_command(ttl, backups, table, reported):
    output = run_part("table", f"""
        aws_call() {{
          case $2 in
            describe-time-to-live) output='{ttl}' ;;
            describe-continuous-backups) output='{backups}' ;;
            describe-table) output='{table}' ;;
          esac
          [[ -n $output ]] && printf "$output"
        }}
        report_table_settings theirs
    """)  # fmt: skip
    assert output.returncode == 0, output
    lines = output.stdout.splitlines()
    assert len(lines) == len(reported), lines
    for line, which in zip(lines, reported, strict=True):
        assert SETTINGS[which] in line
        assert which == 3 or "aws dynamodb --region eu-central-1 update-" in line


def test_credentials_that_expire_during_a_deployment_are_reported():
    output = follow("aws_call() { return 1; }; aws_error() { echo ExpiredToken; }")
    assert output.returncode == 1, output
    assert "CloudFormation continues the deployment" in output.stdout
    assert output.stdout.rstrip().endswith("./deploy.sh --follow -e ours. (ExpiredToken)")


def test_passing_fault_during_a_deployment_is_retried(tmp_path):
    event = "None\\n1\\t2024-01-15T10:30:00Z\\tours\\tAWS::CloudFormation::Stack\\tUPDATE_COMPLETE\\tarn:ours\\t-\\n"
    output = follow(f"""
        aws_call() {{ echo >>"{tmp_path}/calls"; (($(wc -l <"{tmp_path}/calls") > 9)) && printf '{event}'; }}
        aws_error() {{ echo Throttling; }}
    """)
    assert output.stdout.splitlines()[-1] == "UPDATE_COMPLETE", output


def test_parameters_are_read_as_the_templates_declare_them():
    """deploy.sh checks values against what it reads from the YAML without a YAML parser."""

    class Loader(yaml.SafeLoader):
        """Reads the short forms of functions, whose content does not matter here."""

    Loader.add_multi_constructor("!", lambda *_: None)
    attributes = "Type", "Default", "AllowedPattern", "AllowedValues", "MinValue", "MaxValue", "ConstraintDescription"
    for template in sorted((ROOT / "cloudformation").glob("*.yaml")):
        declared = yaml.load(template.read_text(), Loader).get("Parameters", {})
        output = run_part("parameters", f"declared_parameters {template}")
        assert output.returncode == 0, output
        rows = [line.split("\x1f") for line in output.stdout.splitlines()]
        assert {row[0] for row in rows} == set(declared), template
        if template.name != "regional.yaml":
            continue  # of nested templates, only the names are used
        for name, *found in rows:
            expected = [declared[name].get(attribute, "") for attribute in attributes]
            expected[3] = " ".join(map(str, expected[3]))
            assert found == [str(value) for value in expected], (template, name)


def test_every_default_fits_its_declaration():
    output = run_part(
        "parameters",
        """
        source cloudformation/lib/options.sh
        misuse() { echo "$1"; exit 2; }
        declare -A previous=()
        TEMPLATES=cloudformation
        read_template_parameters
        for name in "${parameter_names[@]}"; do check_value "$name" "${parameter[$name]}"; done
        echo "${#parameter_names[@]}"
    """,
    )
    assert output.returncode == 0, output
    assert int(output.stdout) > 60


@pytest.mark.parametrize("key", ["0123456789abcdef", "k" * 64, "k" * 65, "\u00e9%s\\x41$'\"", "0\\x36" * 8, "6" * 64])
def test_signature_is_an_hmac(key):
    message = "GET/api/v1/delivery-configs2024-01-15T10:30:00Z"
    output = run_part("output", f"source cloudformation/lib/key.sh\nkey={shlex.quote(key)}\nsign '{message}'")
    assert output.stdout.strip() == hmac.new(key.encode(), message.encode(), "sha256").hexdigest(), output


@pytest.mark.parametrize(
    ("known", "pages_read", "shown"),
    [(0, 1, 0), (1, 1, 1), (2, 2, 2), (3, 2, 3), (6, 3, 6)],
    ids=lambda value: str(value),
)
def test_only_new_events_are_read(tmp_path, known, pages_read, shown):
    """A history of three pages of two events each, newest first, of which the first ones are new."""
    history = "".join(
        f"[{number}]='{number}\t2024-01-15T10:{36 - number}:00Z\tname\ttype\tUPDATE_COMPLETE\tid\t-' "
        for number in range(1, 7)
    )
    output = run_part("events", f"""
        history=({history})
        last_time=2024-01-15T10:{35 - known}:30Z
        aws_call() {{
          local call=$* token=0
          echo >>{tmp_path}/calls
          [[ $call != *--next-token* ]] || token=${{call##*--next-token }}
          token=${{token%% *}}
          if ((token < 2)); then echo $((token + 1)); else echo None; fi
          printf '%s\n' "${{history[token * 2 + 1]}}" "${{history[token * 2 + 2]}}"
        }}
        new_events ours
    """)  # fmt: skip
    assert output.returncode == 0, output
    events = [line.split("\t")[0] for line in output.stdout.splitlines()]
    assert events == [str(number) for number in range(shown, 0, -1)]
    assert len((tmp_path / "calls").read_text()) == pages_read


@pytest.mark.parametrize(
    ("previous", "given", "included"),
    [
        ("", "", "true"),
        ("[IncludeApi]=false [IncludeWebhooks]=true", "", "true"),
        ("[IncludeApi]=true [IncludeHistory]=true", "", "false"),
        ("[IncludeApi]=true [IncludeHistory]=true", "[IncludeWebhooks]=true", "true"),
        ("[IncludeApi]=true [IncludeHistory]=true [IncludeWebhooks]=true", "", "true"),
    ],
)
def test_webhooks_are_added_to_an_existing_stack_only_on_request(previous, given, included):
    output = run_part("webhooks", f"""
        mode=deploy
        declare -A parameter=([IncludeWebhooks]=true) previous=({previous}) given=({given})
        default_webhooks
        echo "${{parameter[IncludeWebhooks]}}"
    """)  # fmt: skip
    assert output.returncode == 0, output
    assert output.stdout.splitlines()[-1] == included
    assert ("does not send webhooks" in output.stdout) == (included == "false")


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("", "The tables ours-tenant-configs, ours-config-history, ours-webhooks and ours-webhook-deliveries"),
        ("ours-webhooks ours-webhook-deliveries", "The tables ours-tenant-configs and ours-config-history"),
        ("ours-config-history ours-webhooks ours-webhook-deliveries", "The table ours-tenant-configs"),
    ],
)
def test_tables_that_a_deletion_keeps_are_named(missing, named):
    output = run_part("stack", f"""
        aws_call() {{ [[ " {missing} " != *" $4 "* ]]; }}
        kept_tables
    """)  # fmt: skip
    assert output.stdout == named, output
