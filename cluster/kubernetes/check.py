"""Check this folder's manifests without a Kubernetes cluster, against the resource definitions of a KubeRay.

    kubectl get crd rayclusters.ray.io rayjobs.ray.io -o yaml > crds.yaml    # or KubeRay's own files of a release
    python cluster/kubernetes/check.py crds.yaml

A field that the definitions do not know is a mistake here, as for `kubectl apply --validate=strict`. Rules that are
written in KubeRay's own code, and those in CEL (x-kubernetes-validations), are not checked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

FOLDER = Path(__file__).parent


def main(definitions: list[Path]) -> int:
    """Print every mistake in this folder's manifests; the number of them is the result."""
    schemas = dict(pair for path in definitions for pair in read_schemas(path))
    count = 0
    for path in sorted(FOLDER.glob("*.yaml")):
        for manifest in read_manifests(path):
            schema = schemas.get((manifest["apiVersion"], manifest["kind"]))
            found = list(mistakes(manifest, schema)) if schema else []
            said = "not a resource of these definitions" if schema is None else f"{len(found)} mistakes"
            print(f"{path.name}: {manifest['kind']} {manifest['metadata']['name']}: {said}")
            print(*(f"  {each}\n" for each in found), sep="", end="")
            count += len(found)
    return count


def read_manifests(path: Path) -> list[dict[str, Any]]:
    """The documents of a manifest."""
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def read_schemas(path: Path) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """(apiVersion, kind) and schema of every served version that a file of definitions has."""
    for document in read_manifests(path):
        for definition in document.get("items", [document]):
            spec = definition["spec"]
            for version in spec["versions"]:
                if version["served"]:
                    key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                    yield key, closed(version["schema"]["openAPIV3Schema"])


def closed(schema: Any) -> Any:
    """The schema, refusing fields that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    fields = schema.get("properties")
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and isinstance(fields, dict) and not open_ended:
        result["additionalProperties"] = False
    return result


def mistakes(manifest: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """What is wrong in a manifest, each with its place."""
    for error in jsonschema.Draft7Validator(schema).iter_errors(manifest):
        yield f"{error.json_path}: {error.message}"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(min(main([Path(each) for each in sys.argv[1:]]), 100))
