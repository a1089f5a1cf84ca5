#!/usr/bin/env python3
"""Writes a software bill of materials for each function, as CycloneDX 1.5 in JSON.

    python3 tools/sbom.py DIRECTORY [TARGET]

NAME.cdx.json lists every crate that the program NAME is made of, with its version, licence and the checksum in
Cargo.lock. A zip package and an image contain such programs, and nothing else that has a version. TARGET is what the
functions are built for: aarch64-unknown-linux-gnu, unless given. Nothing is compiled, and the same sources give the
same files.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = ("authorizer", "api", "validator", "recorder", "notifier")


def tree(target):
    """The dependencies and the licence of each crate, with the features of a build of all functions at once."""
    packages = [f"--package={name}" for name in FUNCTIONS]
    arguments = ["--locked", "--edges=normal", "--prefix=depth", "--format= {p}|{l}", f"--target={target}"]
    lines = subprocess.run(
        ["cargo", "tree", *packages, *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    edges, licences, path = {}, {}, []
    for line in filter(None, lines.stdout.splitlines()):
        depth, rest = line.split(" ", 1)
        crate, licence = rest.removesuffix(" (*)").split("|")
        name, version = crate.split(" ")[:2]
        key = (name, version.removeprefix("v"))
        licences[key] = licence.replace("/", " OR ")
        edges.setdefault(key, set())
        path[int(depth) :] = [key]
        if len(path) > 1:
            edges[path[-2]].add(key)
    return edges, licences


def closure(edges, root):
    found, waiting = set(), [root]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += edges[key]
    return sorted(found)


def component(key, licence, checksum, kind="library"):
    name, version = key
    made = {"type": kind, "bom-ref": reference(key), "name": name, "version": version}
    made |= {"purl": reference(key), "licenses": [{"expression": licence}]}
    return made | ({"hashes": [{"alg": "SHA-256", "content": checksum}]} if checksum else {})


def reference(key):
    return "pkg:cargo/{}@{}".format(*key)


def bill(function, edges, licences, checksums):
    root = next(key for key in edges if key[0] == function)
    crates = closure(edges, root)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root, licences[root], None, "application")},
        "components": [component(key, licences[key], checksums.get(key)) for key in crates if key != root],
        "dependencies": [{"ref": reference(key), "dependsOn": sorted(map(reference, edges[key]))} for key in crates],
    }


def main(directory, target="aarch64-unknown-linux-gnu"):
    edges, licences = tree(target)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in lock["package"]}
    Path(directory).mkdir(parents=True, exist_ok=True)
    for function in FUNCTIONS:
        text = json.dumps(bill(function, edges, licences, checksums), indent=2)
        (Path(directory) / f"{function}.cdx.json").write_text(text + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
