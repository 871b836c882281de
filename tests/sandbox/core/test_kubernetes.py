"""The manager's key on its way into the cluster."""

import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from sandbox.core import kubernetes
from sandbox.core.errors import RefusedError, SandboxError
from sandbox.core.kubernetes import Target
from tests.sandbox.core import kubernetes_api

OUTPUTS = {
    "vpc_id": "vpc-1",
    "sandbox_manager_access_key_id": "AKIAEXAMPLE",
    "sandbox_manager_secret_access_key": "canary/of+the=key",
}
KUBERNETES_VERSION = "1.32"
needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not on PATH; only the schema is checked"
)


@pytest.fixture
def cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[kubernetes_api.RecordedCluster]:
    with kubernetes_api.running(tmp_path) as (recorded, config):
        monkeypatch.setenv("KUBECONFIG", str(config))
        monkeypatch.setenv("HOME", str(tmp_path))  # kubectl caches discovery there
        yield recorded


def manifest_text(namespace: str = "default") -> str:
    return kubernetes.manifest(OUTPUTS, stack="test", namespace=namespace)


def manifest(namespace: str = "default") -> dict[str, Any]:
    return json.loads(manifest_text(namespace))


def test_the_secret_holds_the_two_variables_that_the_service_reads() -> None:
    secret = manifest("team")
    assert secret["metadata"]["name"] == "sandbox-manager-aws"
    assert secret["metadata"]["namespace"] == "team"
    decoded = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert decoded == {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "canary/of+the=key",
    }


def test_the_schema_of_kubernetes_accepts_the_secret() -> None:
    kubernetes_validate.validate(manifest(), KUBERNETES_VERSION, strict=True)


def test_the_schema_of_kubernetes_refuses_a_wrong_secret() -> None:
    wrong = {**manifest(), "data": "text"}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES_VERSION, strict=True)


def test_a_stack_without_a_key_among_its_outputs_is_named() -> None:
    with pytest.raises(SandboxError, match="stack test: sandbox_manager_access_key_id and "):
        kubernetes.manifest({"vpc_id": "vpc-1"}, stack="test", namespace="default")


def test_a_manager_that_is_a_role_needs_no_secret() -> None:
    outputs = {"sandbox_manager_role_arn": "arn:aws:iam::123456789012:role/sandbox-manager"}
    with pytest.raises(RefusedError, match="is a role"):
        kubernetes.manifest(outputs, stack="test", namespace="default")


@needs_kubectl
def test_kubectl_applies_the_secret_and_restarts_the_workload(
    cluster: kubernetes_api.RecordedCluster,
) -> None:
    kubernetes.apply(manifest_text(), Target(context="stand-in", restart=["deployment/manager"]))
    apply, restart = cluster.patches
    assert apply.path == "/api/v1/namespaces/default/secrets/sandbox-manager-aws"
    assert "fieldManager=sandbox-handover" in apply.query
    assert "force=true" in apply.query
    assert apply.body["data"] == manifest()["data"]
    assert "annotations" not in apply.body["metadata"], "a second copy of the secret"
    assert restart.path == "/apis/apps/v1/namespaces/default/deployments/manager"
    assert "restartedAt" in json.dumps(restart.body)


@needs_kubectl
def test_a_refusal_of_the_cluster_is_passed_on_without_the_secret(
    cluster: kubernetes_api.RecordedCluster,
) -> None:
    cluster.refusal = "secrets is forbidden: User operator cannot patch"
    with pytest.raises(SandboxError, match="User operator cannot patch") as caught:
        kubernetes.apply(manifest_text(), Target())
    for secret in (*OUTPUTS.values(), *manifest()["data"].values()):
        assert secret not in str(caught.value)


def test_the_secret_is_never_an_argument(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    record = tmp_path / "record"
    fake = tmp_path / "kubectl"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {record}\nenv >> {record}\ncat > {tmp_path}/stdin\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    kubernetes.apply(manifest_text(), Target())
    assert (tmp_path / "stdin").read_text() == manifest_text()
    for secret in ("canary/of+the=key", *manifest()["data"].values()):
        assert secret not in record.read_text()
