"""cluster/kubernetes: the manifests against Kubernetes' schemas, KubeRay's fields and Ray's own reader of them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr

from tests.helpers.places import ROOT

KUBERNETES = ROOT / "cluster" / "kubernetes"


def manifests() -> list[tuple[str, dict[str, Any]]]:
    paths = sorted(KUBERNETES.glob("*.yaml"))
    return [(path.name, each) for path in paths for each in yaml.safe_load_all(path.read_text())]


def cluster_spec(kind: str) -> dict[str, Any]:
    (manifest,) = [manifest for _, manifest in manifests() if manifest["kind"] == kind]
    spec: dict[str, Any] = manifest["spec"]
    return spec["rayClusterSpec"] if kind == "RayJob" else spec


def pods(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [group["template"] for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])]


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [container for pod in pods(spec) for container in pod["spec"]["containers"]]


def fields(*required: str, **known: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": known, "additionalProperties": False}


# The fields of ray.io/v1 that the manifests use, after the API reference of KubeRay 1.7. Pod templates are judged by
# Kubernetes' own schemas; cluster/kubernetes/check.py judges the whole by the definitions of a KubeRay.
TEXT, COUNT, YES = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
PARAMETERS = {"type": "object", "additionalProperties": TEXT}
CLUSTER_SPEC = fields(
    *("headGroupSpec", "rayVersion", "authOptions"),
    headGroupSpec=fields("template", "rayStartParams", serviceType=TEXT, rayStartParams=PARAMETERS, template={}),
    workerGroupSpecs={
        "type": "array",
        "items": fields(
            *("groupName", "minReplicas", "maxReplicas", "template"),
            groupName=TEXT,
            replicas=COUNT,
            minReplicas=COUNT,
            maxReplicas=COUNT,
            rayStartParams=PARAMETERS,
            template={},
        ),
    },
    rayVersion=TEXT,
    authOptions=fields("mode", mode={"enum": ["token"]}, secretName=TEXT),
    enableInTreeAutoscaling=YES,
    autoscalerOptions=fields(
        version={"enum": ["v1", "v2"]}, idleTimeoutSeconds=COUNT, env={"type": "array"}, resources={"type": "object"}
    ),
)
KUBERAY = {
    "RayCluster": CLUSTER_SPEC,
    "RayJob": fields(
        *("entrypoint", "rayClusterSpec"),
        entrypoint=TEXT,
        submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
        backoffLimit=COUNT,
        shutdownAfterJobFinishes=YES,
        ttlSecondsAfterFinished=COUNT,
        rayClusterSpec=CLUSTER_SPEC,
    ),
}


def judge(manifest: dict[str, Any]) -> None:
    """Raises if Kubernetes, or what is known of KubeRay's fields, does not accept a manifest."""
    if manifest["kind"] not in KUBERAY:
        kubernetes_validate.validate(manifest, "1.33", strict=True)
        return
    assert manifest["apiVersion"] == "ray.io/v1"
    jsonschema.validate(manifest["spec"], KUBERAY[manifest["kind"]])
    spec = manifest["spec"].get("rayClusterSpec", manifest["spec"])
    for pod in pods(spec):
        template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "pod"}, "template": pod}
        kubernetes_validate.validate(template, "1.33", strict=True)


@pytest.mark.parametrize(
    ("name", "manifest"), manifests(), ids=lambda each: each if isinstance(each, str) else each["kind"]
)
def test_kubernetes_accepts_the_manifests(name: str, manifest: dict[str, Any]) -> None:
    judge(manifest)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("minReplicas: 0", "minReplica: 0"),
        ("idleTimeoutSeconds: 300", "idleTimeoutSeconds: soon"),
        ("mode: token", "mode: tokens"),
        ("containerPort: 6379", "containerPort: gcs"),
        ("volumeMounts:", "volumeMount:"),
        ("runAsNonRoot: true", 'runAsNonRoot: "true"'),
    ],
)
def test_broken_manifests_are_refused(right: str, wrong: str) -> None:
    text = (KUBERNETES / "raycluster.yaml").read_text()
    assert right in text
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        judge(yaml.safe_load(text.replace(right, wrong)))


@pytest.mark.parametrize("kind", ["RayCluster", "RayJob"])
def test_rays_autoscaler_reads_the_manifests(kind: str) -> None:
    resource = {"metadata": {"name": "evolearn", "namespace": "default"}, "spec": cluster_spec(kind)}
    types = _derive_autoscaling_config_from_ray_cr(resource)["available_node_types"]
    assert types["headgroup"]["resources"]["CPU"] == 0
    assert types["workers"]["resources"]["CPU"] == 8
    assert types["workers"]["min_workers"] == 0 < types["workers"]["max_workers"]


@pytest.mark.parametrize("kind", ["RayCluster", "RayJob"])
def test_every_container_has_the_token_from_the_secret_and_as_much_as_it_asks_for(kind: str) -> None:
    spec = cluster_spec(kind)
    assert spec["authOptions"] == {"mode": "token", "secretName": "evolearn-token"}
    assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"
    for container in (*containers(spec), spec["autoscalerOptions"]):
        mode, token = container["env"]
        assert mode == {"name": "RAY_AUTH_MODE", "value": "token"}
        assert token["valueFrom"]["secretKeyRef"] == {"name": "evolearn-token", "key": "auth_token"}
        assert container["resources"]["requests"] == container["resources"]["limits"]
    assert len({container["image"] for container in containers(spec)}) == 1


def test_the_network_policy_holds_for_every_pod_and_lets_in_only_the_cluster_and_the_operator() -> None:
    (policy,) = [each["spec"] for _, each in manifests() if each["kind"] == "NetworkPolicy"]
    label = policy["podSelector"]["matchLabels"]
    for kind in KUBERAY:
        assert all(label.items() <= pod["metadata"]["labels"].items() for pod in pods(cluster_spec(kind)))
    own, operator = policy["ingress"]
    assert own == {"from": [{"podSelector": {"matchLabels": label}}]}
    assert operator["ports"] == [{"protocol": "TCP", "port": 8265}]
    assert {each["kind"] for _, each in manifests()} == {*KUBERAY, "NetworkPolicy", "PersistentVolumeClaim"}


def test_check_judges_the_manifests_by_definitions(tmp_path: Path) -> None:
    kept = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    known = {key: kept for key in cluster_spec("RayCluster") if key != "rayVersion"}
    known |= {"rayVersion": TEXT, "enableInTreeAutoscaling": YES, "workerGroupSpecs": {"type": "array", "items": kept}}
    top = {
        "apiVersion": TEXT,
        "kind": TEXT,
        "metadata": {"type": "object"},
        "spec": {"type": "object", "properties": known},
    }
    versions = [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": top}}}]
    definition = {"spec": {"group": "ray.io", "names": {"kind": "RayCluster"}, "versions": versions}}

    def check() -> subprocess.CompletedProcess[str]:
        (tmp_path / "crds.yaml").write_text(yaml.safe_dump({"items": [definition]}))
        command = [sys.executable, KUBERNETES / "check.py", tmp_path / "crds.yaml"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert check().returncode == 0
    del known["authOptions"]
    known["rayVersion"] = COUNT
    refused = check()
    assert refused.returncode == 2
    assert "RayCluster evolearn: 2 mistakes" in refused.stdout
    assert "'authOptions' was unexpected" in refused.stdout
