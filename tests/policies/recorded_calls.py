"""The emulated AWS, with a record of every request.

`python -m tests.policies.recorded_calls FOLDER` serves like `python -m local.serve FOLDER`. Before
it answers a request, it adds a line of JSON to FOLDER/calls.jsonl.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local import clean_env, emulator, serve

CALLS: Final = "calls.jsonl"
SCOPE: Final = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
"""Key id, region and service in the signature of a request."""


class UnreadableRequestError(ValueError):
    """A request has a protocol that this module cannot read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One request to AWS. *action* is the name of the API; for S3 the HTTP method."""

    key_id: str
    service: str
    region: str
    action: str
    path: str
    parameters: Mapping[str, Any]


def read(environ: Mapping[str, Any], body: bytes) -> RecordedCall:
    """Read a signed request.

    Raises:
        UnreadableCallError: its protocol is not query, JSON or S3.
    """
    signed = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if signed is None:
        raise UnreadableRequestError(
            f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}: unsigned"
        )
    key_id, region, service = signed.groups()
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    query = {
        key: values[0]
        for key, values in parse_qs(environ["QUERY_STRING"], keep_blank_values=True).items()
    }
    text = body.decode(errors="replace")
    form = {key: values[0] for key, values in parse_qs(text, keep_blank_values=True).items()}
    if service == "s3":
        action, parameters = environ["REQUEST_METHOD"], query
    elif target:
        action, parameters = target.rpartition(".")[2], json.loads(body or b"{}")
    elif "Action" in form:
        action, parameters = form["Action"], form
    else:
        raise UnreadableRequestError(
            f"{service}: {environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        )
    return RecordedCall(
        key_id=key_id,
        service=service,
        region=region,
        action=action,
        path=unquote(environ["PATH_INFO"]),
        parameters=parameters,
    )


def start(folder: Path) -> emulator.Emulator:
    """Serve in a process of its own, until `local.emulator.stop`.

    Raises:
        local.emulator.EmulatorError: it did not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "emulator.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder)],
            cwd=emulator.ROOT,
            env=clean_env.clean(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + emulator.START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if running := emulator.running(folder):
            return running
        time.sleep(0.05)
    process.kill()
    raise emulator.EmulatorError(f"the emulated AWS did not start; its log is in {folder}")


def calls(folder: Path) -> list[RecordedCall]:
    """All calls so far, in order."""
    lines = (folder / CALLS).read_text(encoding="utf-8").splitlines()
    return [RecordedCall(**json.loads(line)) for line in lines]


def record(application: WSGIApplication, file: Path) -> WSGIApplication:
    """Wrap *application*, so that each request is written to *file* first."""
    lock = threading.Lock()
    file.touch()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        call = read(environ, body)
        with lock, file.open("a", encoding="utf-8") as lines:
            fields = {name: getattr(call, name) for name in RecordedCall.__dataclass_fields__}
            lines.write(json.dumps(fields) + "\n")
        return application(environ, start_response)

    return answer


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    serve.main(folder, lambda application: record(application, folder / CALLS))
