"""The builder's scripts and steps on real systemd, cloud-init, sshd, apt and sudo."""

from __future__ import annotations

import shlex
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncssh
import pytest

from ami import pins, provisioner
from ami.errors import SetupError, VerificationError
from ami.first_boot import DEADLINE, BuildKeys
from tests.docs import printed_commands

if TYPE_CHECKING:
    from tests.machine.conftest import Build, NewBuild

AT = f"/var/lib/{DEADLINE}/at"
OTHERS = "/home/other/.bash_history /home/other/.aws/credentials"
# A waiting script sleeps for two seconds at a time; both helpers run until they see this sleep.
UNTIL_AWAITED = "until pgrep -fx 'sleep 2' >/dev/null; do sleep 0.2; done"
HOLD_LISTS = f"""
import fcntl, pathlib, subprocess
with open("/var/lib/apt/lists/lock", "w") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    pathlib.Path("/run/lists-held").touch()
    subprocess.run(["sh", "-c", {UNTIL_AWAITED!r}])
"""


# The steps of the stage `software` that need no Ubuntu archive.
SOME_STEPS = '. <(sed "/^case /,\\$d" $FOLDER/setup.sh); environment; instance_store; welcome'


def assert_a_failed_step_is_named_with_its_first_error(built: Build) -> None:
    built.root("mv /etc/apt/sources.list /root && apt-get update && rm -f /usr/bin/git")
    with pytest.raises(SetupError, match=r"^setup\.sh base: exit 100: upgrade: E: "):
        built.provisioner.set_up("base")
    built.root("mv /root/sources.list /etc/apt")


def test_a_sealed_machine_boots_as_another_instance(build: NewBuild) -> None:
    built = build()
    assert_a_failed_step_is_named_with_its_first_error(built)
    machine, steps = built.machine, built.provisioner
    machine_id = built.root("cat /etc/machine-id").strip()
    built.root(f"FOLDER={provisioner.FOLDER} bash -c {shlex.quote(SOME_STEPS)}")
    for path in OTHERS.split():
        built.root(f"mkdir -p $(dirname {path}) && touch {path}")
    steps.write_manifest({"build": "machine"})
    steps.seal()
    assert "ami-build-last-deadline.timer" in built.root("systemctl list-timers --no-legend")
    built.root("logger written after the proof; sleep 3")
    steps.session.close()
    machine.power_off()

    assert machine.read("cat", "etc/machine-id") == ""
    places = ["etc/ssh", "etc/systemd", "home", "root", "tmp", "var/lib", "var/log", "var/tmp"]
    files = machine.read("find", *places, "-type", "f").splitlines()
    assert not [path for path in files if "log/journal/" in path], "the builder's journal"
    assert not [path for path in files if "lib/systemd/random-seed" in path], (
        "one seed for all instances"
    )
    assert not [path for path in files if "ssh_host_" in path or "authorized_keys" in path]
    assert not [path for path in files if path.startswith("home/other")]
    private = f"grep -rl 'PRIVATE KEY' {' '.join(places)} || true"
    assert machine.read("sh", "-c", private) == ""
    logs = ["find", "var/log", "-type", "f", "-size", "+0", "-not", "-name", "wtmp"]
    assert machine.read(*logs) == ""

    owner = BuildKeys.generate("researcher")
    machine.become(public_key=owner.login_public)
    machine.boot()
    host_key = asyncssh.import_public_key(machine.host_key())
    assert host_key != built.keys.host.convert_to_public()
    owner_session = built.session(owner.login, host_key)
    owner_session.connect(30)

    def root(command: str) -> str:
        return owner_session.run(f"sudo -n {command}", limit=60)

    root("cloud-init status --wait")
    assert root("cat /etc/machine-id").strip() not in {"", machine_id}
    assert root("ls /var/log/journal").split() == [root("cat /etc/machine-id").strip()]
    timers = root("systemctl list-timers --all --no-legend")
    assert "apt-daily-upgrade.timer" in timers, "security updates are on"
    assert "ami-build" not in timers, "nothing ends this machine"
    assert root("systemctl is-system-running --wait").strip() == "running"
    cuda = f"/usr/local/cuda-{pins.settings()['CUDA_VERSION'].rpartition('.')[0]}"
    login_path, cuda_home = owner_session.run("printenv PATH CUDA_HOME", limit=60).splitlines()
    assert (login_path.split(":")[0], cuda_home) == (f"{cuda}/bin", cuda)
    assert root("systemctl is-active sandbox-instance-store.service").strip() == "active"
    assert owner_session.run("stat --format %U README.md; ls", limit=60).split() == [
        "ubuntu",
        "README.md",
    ], "this machine has no disk of its own, so no ~/scratch"
    builder = built.session(built.keys.login, host_key)
    with pytest.raises(SetupError, match="Permission denied"):
        builder.connect(0.1)
    owner_session.close()


@pytest.mark.thorough
def test_base_waits_for_the_package_lists_and_outlives_a_broken_connection(build: NewBuild) -> None:
    built = build()
    built.root(
        f"systemd-run --quiet python3 -c {shlex.quote(HOLD_LISTS)};"
        " until [ -e /run/lists-held ]; do sleep 0.2; done"
    )
    broken = threading.Event()

    def watch(line: str) -> None:
        built.lines.append(line)
        if line.startswith("Unpacking") and not broken.is_set():
            broken.set()
            built.provisioner.session.close()

    replace(built.provisioner, log=watch).set_up("base")
    assert broken.is_set()
    assert any("waiting: Could not get lock /var/lib/apt/lists" in line for line in built.lines)
    assert built.lines[-1] == "==> upgrade: done before", "the first run went on by itself"
    assert built.root("dpkg --audit") == ""
    assert built.root("gcc --version")


@pytest.mark.thorough
def test_the_scripts_run_by_hand_as_the_docs_say(build: NewBuild) -> None:
    built = build()
    built.provisioner.session.put(
        "/var/tmp/by-hand/scripts.tar",
        provisioner.archive(),
        then="tar --extract --file scripts.tar",
    )
    built.root("mkdir -p /root/ami && mv /var/tmp/by-hand /root/ami/setup")
    (script,) = printed_commands.scripts(
        "docs/image-contents.md", "By hand, on a machine of your own"
    )
    export, *lines = script.splitlines()
    base, software, _, seal = (line.partition(" && ")[0] for line in lines)
    assert base.endswith("setup.sh base")
    built.root(f"{export}; {base}", limit=400)
    assert "done before" in built.root(f"{export}; {base}")
    with pytest.raises(SetupError, match=r"driver: NVIDIA_BRANCH=580: .*no linux-modules-nvidia"):
        built.root(f"{export}; {software}")  # this computer's distribution has no such package
    built.root(f"systemctl disable --now {DEADLINE}.timer && rm /etc/systemd/system/{DEADLINE}.*")
    built.root(f"{export}; {seal}")
    assert (
        built.root("find /home/ubuntu/.ssh /etc/ssh/ssh_host_* 2>/dev/null -type f || true") == ""
    )


@pytest.mark.thorough
def test_the_dead_mans_switch_ends_the_machine_after_a_reboot(build: NewBuild) -> None:
    built = build()
    deadline = built.root(f"cat {AT}")
    built.provisioner.reboot()
    assert built.root(f"cat {AT}") == deadline, "a reboot gives no more time"
    built.root(f"date +%s >{AT}")
    built.provisioner.session.close()
    built.machine.wait_off(300)
    assert built.machine.boots == 2


@pytest.mark.thorough
def test_ready_awaits_a_running_job_of_apt(build: NewBuild) -> None:
    built = build()
    built.root(
        "mkdir -p /run/systemd/system/apt-daily.service.d &&"
        f" printf '[Service]\\nExecStart=\\nExecStart=sh -c \"%s\"\\n' {shlex.quote(UNTIL_AWAITED)}"
        " >/run/systemd/system/apt-daily.service.d/slow.conf && systemctl daemon-reload &&"
        " systemctl start --no-block apt-daily.service"
    )
    built.provisioner.run_script("ready.sh", limit=60)
    assert "waiting: apt-daily.service runs" in built.lines
    assert "inactive" in built.root("systemctl is-active apt-daily.service || true")


@pytest.mark.thorough
def test_a_script_ends_at_its_limit(build: NewBuild) -> None:
    built = build()
    built.provisioner.session.put(f"{provisioner.FOLDER}/hang.sh", b"sleep 1234 & wait\n")
    with pytest.raises(SetupError, match=r"^hang\.sh: no end"):
        built.provisioner.run_script("hang.sh", limit=3)
    assert built.root("pgrep -fx 'sleep 1234' || true") == ""


@pytest.mark.thorough
def test_a_file_that_comes_back_after_the_seal_fails_the_proof(build: NewBuild) -> None:
    built = build()
    built.provisioner.write_manifest({"build": "machine"})
    built.root(
        "systemd-run --quiet sh -c 'while sleep 0.05; do"
        " mkdir -p /home/other/.ssh && touch /home/other/.ssh/id_rsa; done'"
    )
    with pytest.raises(VerificationError, match=r"still there: /home/other/\.ssh/id_rsa;"):
        built.provisioner.seal()
