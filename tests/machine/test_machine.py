"""The builder's scripts and its way of working, on real systemd, cloud-init, sshd, apt and sudo."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncssh
import pytest

from ami import guest, ssh
from ami.errors import SetupError, VerificationError
from ami.machine import DEADLINE, Keys
from tests.machine.conftest import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.machine.conftest import Build, NewBuild

OTHERS = "/home/other/.bash_history /home/other/.aws/credentials"
LOCK_LISTS = """
python3 - <<'END' >/dev/null 2>&1 &
import fcntl, time
lock = open("/var/lib/apt/lists/lock", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
time.sleep({seconds})
END
"""


def test_a_sealed_machine_boots_as_another_instance(
    build: NewBuild, closing_line: Callable[[str], None]
) -> None:
    started = time.monotonic()
    built = build()
    machine, work = built.machine, built.work
    deadline = built.root(f"cat /var/lib/{DEADLINE}/at")
    work.reboot()
    assert machine.boots == 2
    assert built.root(f"cat /var/lib/{DEADLINE}/at") == deadline, "a reboot gives no more time"
    machine_id = built.root("cat /etc/machine-id").strip()
    for path in OTHERS.split():
        built.root(f"mkdir -p $(dirname {path}) && touch {path}")
    work.write_manifest({"build": "machine"})
    work.seal()
    assert "ami-build-last-deadline.timer" in built.root("systemctl list-timers --no-legend")
    built.root("logger written after the proof; sleep 3")
    work.guest.close()
    machine.power_off()

    assert machine.read("cat", "etc/machine-id") == ""
    left = ["var/log/journal", "var/lib/systemd", "var/lib/apt/lists", "etc/ssh", "home", "root"]
    files = machine.read("find", *left, "-type", "f", "-o", "-name", "cloud").splitlines()
    assert not [path for path in files if "journal/" in path], "the builder's journal"
    assert not [path for path in files if "random-seed" in path], "one seed for all instances"
    assert not [path for path in files if "ssh_host_" in path or "authorized_keys" in path]
    assert not [path for path in files if path.startswith("home/other")]
    assert machine.read("find", "var/log", "-type", "f", "-size", "+0", "-not", "-name", "wtmp") == ""

    owner = Keys.make("researcher")
    machine.become(public_key=owner.login_line)
    machine.boot()
    host_key = asyncssh.import_public_key(machine.host_key())
    assert host_key != built.keys.host.convert_to_public()
    again = ssh.Guest(
        work.guest.address,
        ssh.Login("ubuntu", owner.login, host_key),
        LIMITS,
        loop=work.guest._loop,
        dial=machine.dial,
    )
    again.connect(30)

    def root(command: str) -> str:
        return again.run(f"sudo -n {command}", limit=60)

    root("cloud-init status --wait")
    assert root("cat /etc/machine-id").strip() not in {"", machine_id}
    assert root("ls /var/log/journal").split() == [root("cat /etc/machine-id").strip()]
    timers = root("systemctl list-timers --all --no-legend")
    assert "apt-daily-upgrade.timer" in timers, "security updates are on"
    assert "ami-build" not in timers, "nothing ends this machine"
    assert root("systemctl is-system-running --wait").strip() == "running"
    builder = ssh.Guest(
        work.guest.address,
        ssh.Login("ubuntu", built.keys.login, host_key),
        LIMITS,
        loop=work.guest._loop,
        dial=machine.dial,
    )
    with pytest.raises(SetupError, match="Permission denied"):
        builder.connect(0.1)
    again.close()
    closing_line(
        "real machine: user data, ready, reboot, seal, proof and a boot as another instance in"
        f" {time.monotonic() - started:.0f} s"
    )
