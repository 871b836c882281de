"""A fake Kubernetes API server that records what kubectl applies and restarts.

It answers discovery for secrets and deployments, and accepts every patch without a check.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

RESOURCES = {
    "/api/v1": [("secrets", "Secret")],
    "/apis/apps/v1": [("deployments", "Deployment")],
}
OPENAPI: dict[str, dict[str, Any]] = {
    "/openapi/v3": {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1"}}},
    "/openapi/v3/api/v1": {
        "openapi": "3.0.0",
        "info": {"title": "stand-in", "version": "1"},
        "paths": {
            "/api/v1/namespaces/{namespace}/secrets/{name}": {
                "patch": {
                    "x-kubernetes-group-version-kind": {
                        "group": "",
                        "version": "v1",
                        "kind": "Secret",
                    },
                    "parameters": [
                        {"name": name, "in": "query", "schema": {"type": "string"}}
                        for name in ("dryRun", "fieldValidation")
                    ],
                }
            }
        },
    },
}
"""Announces server-side validation, so that kubectl does not request the whole schema."""


@dataclass(frozen=True)
class Patch:
    """One request of kubectl."""

    path: str
    query: str
    body: dict[str, Any]


@dataclass
class RecordedCluster:
    """A cluster that records the patches of kubectl."""

    patches: list[Patch] = field(default_factory=list[Patch])
    refusal: str = ""
    """If set, the answer to every patch."""


@contextmanager
def running(folder: Path) -> Generator[tuple[RecordedCluster, Path]]:
    """A cluster, and the kubeconfig that names it."""
    cluster = RecordedCluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(cluster))
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    address = {"server": f"http://127.0.0.1:{server.server_port}"}
    config = folder / "kubeconfig"
    config.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "stand-in", "cluster": address}],
                "users": [{"name": "operator", "user": {}}],
                "contexts": [
                    {"name": "stand-in", "context": {"cluster": "stand-in", "user": "operator"}}
                ],
                "current-context": "stand-in",
            }
        )
    )
    try:
        yield cluster, config
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def resource_at(path: str) -> dict[str, Any] | None:
    """The answer to a GET, or None where there is nothing."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        version = {"groupVersion": "apps/v1", "version": "v1"}
        group = {"name": "apps", "versions": [version], "preferredVersion": version}
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}
    if path in RESOURCES:
        return {
            "kind": "APIResourceList",
            "groupVersion": path.removeprefix("/api/").removeprefix("/apis/"),
            "resources": [
                {"name": name, "kind": kind, "namespaced": True, "verbs": ["get", "patch"]}
                for name, kind in RESOURCES[path]
            ],
        }
    if "/deployments/" in path:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": path.rsplit("/", 1)[1], "namespace": "default"},
            "spec": {"selector": {}, "template": {"spec": {"containers": []}}},
        }
    return OPENAPI.get(path)


def error(code: int, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": "Forbidden" if code == HTTPStatus.FORBIDDEN else "NotFound",
        "code": code,
    }


def handler(cluster: RecordedCluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            resource = resource_at(self.path.partition("?")[0])
            self.answer(resource or error(HTTPStatus.NOT_FOUND, "not found"))

        def do_PATCH(self) -> None:
            path, _, query = self.path.partition("?")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if cluster.refusal:
                self.answer(error(HTTPStatus.FORBIDDEN, cluster.refusal))
                return
            cluster.patches.append(Patch(path, query, body))
            self.answer({"apiVersion": "v1", "kind": "Secret", **body})

        def answer(self, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(body.get("code", HTTPStatus.OK))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            """Log nothing: the tests read the recorded patches."""

    return Handler
