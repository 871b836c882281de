"""The service's key on its way into the cluster."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from sandbox.core.errors import SandboxError
from sandbox.secret import manifest as secret
from tests.sandbox.secret import cluster as stand_in

OUTPUTS = {
    "vpc_id": "vpc-1",
    "sandbox_manager_access_key_id": "AKIAEXAMPLE",
    "sandbox_manager_secret_access_key": "canary/of+the=key",
}
KUBERNETES = "1.32"
needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not on PATH: only the schema judges"
)
Running = tuple[stand_in.Cluster, Path]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[stand_in.Cluster]:
    with stand_in.running(tmp_path) as (running, config):
        monkeypatch.setenv("KUBECONFIG", str(config))
        monkeypatch.setenv("HOME", str(tmp_path))  # kubectl caches discovery there
        yield running


def manifest(namespace: str = "default") -> dict[str, Any]:
    return json.loads(secret.manifest(OUTPUTS, namespace=namespace))


def test_the_secret_holds_the_two_variables_that_the_service_reads() -> None:
    made = manifest("team")
    assert made["metadata"]["name"] == "sandbox-manager-aws"
    assert made["metadata"]["namespace"] == "team"
    decoded = {key: base64.b64decode(value).decode() for key, value in made["data"].items()}
    assert decoded == {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "canary/of+the=key",
    }


def test_kubernetes_own_schema_takes_the_secret() -> None:
    kubernetes_validate.validate(manifest(), KUBERNETES, strict=True)


def test_kubernetes_own_schema_would_refuse_a_wrong_one() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**manifest(), "data": "text"}, KUBERNETES, strict=True)


def test_a_manager_without_a_key_is_named() -> None:
    with pytest.raises(SandboxError, match=r"sandbox_manager_access_key_id and .*not among"):
        secret.manifest({"vpc_id": "vpc-1"}, namespace="default")


@needs_kubectl
def test_kubectl_applies_it_and_restarts_what_reads_it(cluster: stand_in.Cluster) -> None:
    text = secret.manifest(OUTPUTS, namespace="default")
    secret.apply(text, namespace="default", context="stand-in", restart=["deployment/manager"])
    (path, query, body), (restarted, _, change) = cluster.patches
    assert path == "/api/v1/namespaces/default/secrets/sandbox-manager-aws"
    assert "fieldManager=sandbox-handover" in query
    assert "force=true" in query
    assert body["data"] == manifest()["data"]
    assert restarted == "/apis/apps/v1/namespaces/default/deployments/manager"
    assert "restartedAt" in json.dumps(change)


@needs_kubectl
def test_the_cluster_keeps_no_second_copy_in_an_annotation(cluster: stand_in.Cluster) -> None:
    secret.apply(
        secret.manifest(OUTPUTS, namespace="default"), namespace="default", context=None, restart=[]
    )
    ((_, _, body),) = cluster.patches
    assert "annotations" not in body["metadata"]


@needs_kubectl
def test_a_refusal_of_the_cluster_is_passed_on_without_the_secret(
    cluster: stand_in.Cluster,
) -> None:
    cluster.refuses = "secrets is forbidden: User operator cannot patch"
    text = secret.manifest(OUTPUTS, namespace="default")
    with pytest.raises(SandboxError, match="User operator cannot patch") as caught:
        secret.apply(text, namespace="default", context=None, restart=[])
    for part in (*OUTPUTS.values(), *manifest()["data"].values()):
        assert part not in str(caught.value)


@needs_kubectl
def test_the_secret_is_never_an_argument(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "told"
    fake = tmp_path / "kubectl"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {told}\nenv >> {told}\ncat > {tmp_path}/stdin\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    text = secret.manifest(OUTPUTS, namespace="default")
    secret.apply(text, namespace="default", context=None, restart=[])
    assert (tmp_path / "stdin").read_text() == text
    for part in ("canary/of+the=key", *manifest()["data"].values()):
        assert part not in told.read_text()
