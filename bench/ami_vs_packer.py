"""The image builder beside Packer's amazon-ebs builder: the same account, machine and scripts.

    python -m bench.ami_vs_packer [BUILDS]

Each builds BUILDS images on the emulator in this process, in turns, with the waits that its users
get. The machine is a namespace with a real sshd and boots as soon as the instance runs. Counted at
the emulator: calls. Measured on the machine: the time in set-up scripts, which is taken off.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import boto3
from rich.console import Console

from ami import aws, build, guest, machine, plan, progress
from ami.limits import Limits
from bench import packer
from local import serve
from tests.ami import machines, world

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

    from ami.stack import Facts

KEY = "the-builder"
"""The access key of what is measured: only its calls are counted."""
SETUP = Path(guest.__file__).parent / "setup"
TIMED_BASH = """\
#!/bin/sh
begun=$(date +%s.%N)
/usr/bin/bash "$@"
code=$?
echo "$begun $(date +%s.%N)" >>/recorder/scripts
exit $code
"""


@dataclass
class Measured:
    added: list[float] = field(default_factory=list[float])
    """Seconds of each build less those in scripts."""
    calls: list[Counter[str]] = field(default_factory=list[Counter[str]])

    @property
    def seconds(self) -> float:
        return statistics.median(self.added)

    @property
    def called(self) -> int:
        return int(statistics.median(one.total() for one in self.calls))


class Counted:
    """The emulator's application, with the calls of KEY written down."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self.calls: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if f"Credential={KEY}/" in environ.get("HTTP_AUTHORIZATION", ""):
            target: str = environ.get("HTTP_X_AMZ_TARGET", "")
            name = target.rpartition(".")[2] or parse_qs(body.decode()).get("Action", ["?"])[0]
            self.calls.append(name)
        return self._application(environ, start)


@contextmanager
def emulator() -> Generator[tuple[str, Counted]]:
    made: list[Counted] = []

    def counted(application: WSGIApplication) -> Counted:
        made.append(Counted(application))
        return made[0]

    with serve.answering(counted) as running:
        yield running.endpoint, made[0]


@dataclass
class Site:
    """Where one build takes place."""

    endpoint: str
    counted: Counted
    look: EC2Client
    facts: Facts
    folder: Path
    port: int = field(default_factory=machines.free_port)
    """Of the machine's sshd, on this computer."""


@contextmanager
def booting(site: Site) -> Generator[list[machines.Machine]]:
    """Boot a machine as soon as an instance with user data runs; end all of them afterwards."""
    booted: list[machines.Machine] = []
    known = {one.get("InstanceId", "") for one in _instances(site)}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for one in _instances(site):
                identity, state = one.get("InstanceId", ""), one.get("State", {}).get("Name")
                if identity not in known and state == "running":
                    known.add(identity)
                    booted.append(_boot(site, one))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield booted
    finally:
        over.set()
        watcher.join()
        for one in booted:
            one.crash()
            shutil.rmtree(one.root, ignore_errors=True)


def _instances(site: Site) -> list[InstanceTypeDef]:
    found = site.look.describe_instances()["Reservations"]
    return [one for some in found for one in some.get("Instances", [])]


def _boot(site: Site, instance: InstanceTypeDef) -> machines.Machine:
    identity = instance.get("InstanceId", "")
    made = machines.Machine(
        site.folder / identity,
        machines.user_data(site.look, identity),
        machines.public_key(site.look, instance.get("KeyName", "")),
        port=site.port,
    )
    bash = made.root / "stubs/bash"
    bash.write_text(TIMED_BASH)
    bash.chmod(0o755)
    made.start()
    return made


def measure(site: Site, run: Callable[[Site], None], into: Measured) -> None:
    site.counted.calls.clear()
    with booting(site) as booted:
        begun = time.perf_counter()
        run(site)
        took = time.perf_counter() - begun
        (one,) = booted
        lines = (one.root / "recorder/scripts").read_text().splitlines()
    if one.boots != 3:  # noqa: PLR2004 - the first, and after each half of the set-up
        raise SystemExit(f"{one.boots} boots: not the build that was meant")
    spans = [[float(word) for word in line.split()] for line in lines]
    into.added.append(took - sum(end - start for start, end in spans))
    into.calls.append(Counter(site.counted.calls))


def ours(site: Site) -> None:
    def dial(_host: str, _port: int) -> socket.socket:
        return machines.connect(site.port)

    clients = aws.connect(site.facts.region, boto3.Session(KEY, "made-up"))
    request = plan.Request(ssh_from="203.0.113.7", versions=machines.settings())
    made = plan.make(clients, site.facts, request, limits=Limits())
    build.build(
        made,
        build.Tools(
            aws=clients,
            stack=world.StackOnPaper(site.facts),
            progress=progress.Lines(Console(quiet=True)),
            dial=dial,
            folder=site.folder / "logs",
        ),
    )


def packers(site: Site) -> None:
    command, plugins = packer.ensure()
    folder = site.folder / "packer"
    shutil.copytree(SETUP, folder / "ami-build")
    shutil.copy(SETUP / "prove.sh", folder)
    host = machine.Keys.make("packer").host
    (folder / "user-data").write_text(machine.user_data(host, seconds_to_live=600))
    (folder / "image.pkr.json").write_text(json.dumps(template(site, folder)))
    done = subprocess.run(
        [command, "build", "-color=false", "image.pkr.json"],
        cwd=folder,
        env={
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "PACKER_PLUGIN_PATH": str(plugins),
            "CHECKPOINT_DISABLE": "1",
            "AWS_ENDPOINT_URL": site.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": "made-up",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"packer failed:\n{done.stdout}")


def template(site: Site, folder: Path) -> dict[str, Any]:
    """What our builder does, as a template of Packer's: as few steps as it can be told in."""
    settings = " ".join(
        f"{name}={value}"
        for name, value in {
            **machines.settings(),
            "BASE": "ubuntu",
            "NVIDIA_BRANCH": plan.BASES["ubuntu"].driver,
            "GPUS": "4",
            "LOGIN": "ubuntu",
            "DEADLINE": machine.DEADLINE,
            "FOLDER": guest.FOLDER,
        }.items()
    )

    def run(*arguments: str) -> str:
        return f"sudo -n env {settings} bash {guest.FOLDER}/{' '.join(arguments)}"

    def shell(*lines: str, reboots: bool = False) -> dict[str, Any]:
        last = ["sudo -n systemctl reboot"] if reboots else []
        return {"shell": {"inline": [*lines, *last], "expect_disconnect": reboots}}

    tags = {"Project": "alignment-league", "Purpose": "ami-build", "BuildId": folder.parent.name}
    image = {
        "region": site.facts.region,
        "ami_name": f"packer-{folder.parent.name}",
        "source_ami": "ami-0ubuntu22040000001",
        "instance_type": site.facts.instance_type,
        "vpc_id": site.facts.vpc_id,
        "subnet_id": site.facts.subnet_ids[0],
        "associate_public_ip_address": True,
        "temporary_key_pair_type": "ed25519",
        "temporary_security_group_source_cidrs": ["203.0.113.7/32"],
        "shutdown_behavior": "terminate",
        "metadata_options": {"http_tokens": "required", "http_put_response_hop_limit": 1},
        "launch_block_device_mappings": {
            "device_name": "/dev/sda1",
            "volume_type": "gp3",
            "volume_size": 150,
            "encrypted": True,
            "delete_on_termination": True,
        },
        "imds_support": "v2.0",
        "user_data_file": "user-data",
        "run_tags": tags,
        "run_volume_tags": tags,
        "tags": tags,
        "snapshot_tags": tags,
        "ssh_username": "ubuntu",
        "ssh_host": "127.0.0.1",
        "ssh_port": site.port,
    }
    return {
        "packer": {
            "required_plugins": {
                "amazon": {"source": packer.SOURCE, "version": f"= {packer.PLUGIN}"}
            }
        },
        "source": {"amazon-ebs": {"image": image}},
        "build": {
            "sources": ["source.amazon-ebs.image"],
            "provisioner": [
                {"file": {"source": "ami-build", "destination": "/var/tmp"}},  # noqa: S108 - there
                shell(run("ready.sh"), run("setup.sh", "base"), reboots=True),
                shell(run("ready.sh"), run("setup.sh", "software"), reboots=True),
                shell(
                    run("ready.sh"),
                    run("verify.sh"),
                    f"echo '{{}}' | sudo -n tee {guest.MANIFEST}",
                    run("seal.sh"),
                ),
                {
                    "shell": {
                        "script": "prove.sh",
                        "execute_command": f"sudo -n env {settings} bash {{{{ .Path }}}}",
                    }
                },
            ],
        },
    }


def main(builds: int) -> None:
    packer.ensure()
    mine, theirs = Measured(), Measured()
    with emulator() as (endpoint, counted), tempfile.TemporaryDirectory() as temporary:
        os.environ |= {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "looking-on",
            "AWS_SECRET_ACCESS_KEY": "made-up",
        }
        look: Any = world.client(endpoint)
        facts = world.network(look)
        aws.connect(facts.region).ssm.get_parameter(Name=plan.BASES["ubuntu"].parameter)
        for number in range(builds):
            for name, run, into in (("ours", ours, mine), ("packer", packers, theirs)):
                folder = Path(temporary) / f"{name}-{number}"
                folder.mkdir()
                measure(Site(endpoint, counted, look, facts, folder), run, into)
    report(builds, mine, theirs)


def report(builds: int, mine: Measured, theirs: Measured) -> None:
    print(f"{'':<34}{'ours':>8}{'packer':>8}{'ratio':>8}")
    print(
        f"{f'seconds added, median of {builds}':<34}{mine.seconds:>8.2f}{theirs.seconds:>8.2f}"
        f"{mine.seconds / theirs.seconds:>8.2f}"
    )
    print(
        f"{'calls of AWS, median':<34}{mine.called:>8}{theirs.called:>8}"
        f"{mine.called / theirs.called:>8.2f}"
    )
    for name in sorted(mine.calls[-1] | theirs.calls[-1]):
        print(f"  {name:<32}{mine.calls[-1][name]:>8}{theirs.calls[-1][name]:>8}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
