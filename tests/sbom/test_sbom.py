"""The bills of materials against what cargo itself says that each function is made of."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = "x86_64-unknown-linux-gnu"
FUNCTIONS = ("authorizer", "api", "validator", "recorder", "notifier")


def write(directory):
    subprocess.run([sys.executable, "-B", "tools/sbom.py", directory, TARGET], cwd=ROOT, check=True)
    return {path.name.removesuffix(".cdx.json"): json.loads(path.read_text()) for path in Path(directory).iterdir()}


def crates_of(*functions):
    """From another form of cargo's output than the script reads."""
    command = ["cargo", "tree", "--locked", "--edges=normal", "--prefix=none", f"--target={TARGET}"]
    command += [f"--package={function}" for function in functions]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return {(line.split()[0], line.split()[1].removeprefix("v")) for line in lines if line}


class BillsOfMaterials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            cls.bills, cls.again = write(first), write(second)

    def test_every_function_has_one(self):
        assert set(self.bills) == set(FUNCTIONS)
        for function, bill in self.bills.items():
            assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
            assert bill["metadata"]["component"]["name"] == function

    def test_it_has_every_crate_of_the_program_and_none_of_another(self):
        together = crates_of(*FUNCTIONS)
        for function, bill in self.bills.items():
            listed = {(entry["name"], entry["version"]) for entry in bill["components"]}
            root = (function, bill["metadata"]["component"]["version"])
            assert crates_of(function) <= listed | {root}, function
            assert listed <= together, function
        assert not [entry for entry in self.bills["authorizer"]["components"] if entry["name"] == "tenant-store"]

    def test_everything_from_a_registry_has_its_checksum_and_everything_a_licence(self):
        for bill in self.bills.values():
            without = {entry["name"] for entry in bill["components"] if "hashes" not in entry}
            ours = {path.parent.name for path in ROOT.glob("crates/*/Cargo.toml")}
            assert {name.removeprefix("tenant-") for name in without} <= ours
            for entry in bill["components"]:
                assert entry["licenses"][0]["expression"], entry

    def test_dependencies_are_listed_components(self):
        for bill in self.bills.values():
            known = {entry["bom-ref"] for entry in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
            for dependency in bill["dependencies"]:
                assert {dependency["ref"], *dependency["dependsOn"]} <= known

    def test_the_same_sources_give_the_same_file(self):
        assert self.bills == self.again


if __name__ == "__main__":
    unittest.main()
