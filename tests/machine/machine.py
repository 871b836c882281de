"""A real machine without a GPU: Debian's systemd, cloud-init, sshd, apt and sudo in systemd-nspawn.

Its namespaces end with the process that started it, even if that process is killed. So no process,
mount or network interface remains.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path

from tests.machine import rootfs
from tests.machine.network import MachineNetwork, metadata, relay

REBOOTS = 133
"""The exit status of systemd-nspawn if the machine asked for a reboot."""
HIERARCHIES = [
    folder
    for folder in (Path("/sys/fs/cgroup", name) for name in ("", "unified", "systemd"))
    if (folder / "cgroup.procs").exists()
]
"""The trees of control groups that systemd uses: cgroup v2, v1, or both."""
# The disk: an overlay on the cached root file system holds the writes of this machine.
MOUNT = """
cache=$1 written=$2
shift 2
mkdir -p "$written/upper" "$written/work" "$written/root"
mount -t overlay overlay -o "lowerdir=$cache,upperdir=$written/upper,workdir=$written/work" \
    "$written/root"
cd "$written/root"
"""
# nspawn keeps its locks in /run, where a killed one leaves them, so it gets a separate /run. It
# creates control groups below its own, so it gets separate ones.
BOOT = f"""{MOUNT}
name=$1
shift
for group; do
    mkdir -p "$group" && echo 0 >"$group/cgroup.procs"
done
mount -t tmpfs tmpfs /run
exec systemd-nspawn --quiet --boot --register=no --keep-unit --console=pipe --resolv-conf=off \
    --timezone=off --link-journal=no --kill-signal=SIGRTMIN+4 --directory=. --machine="$name"
"""
READ = f"""{MOUNT}
exec "$@"
"""


class NspawnMachine:
    """One machine with its disk. It boots, reboots when asked to, and can power off."""

    def __init__(self, disk: Path, *, user_data: str = "", public_key: str) -> None:
        self.disk = disk
        self._cache = rootfs.make()
        disk.mkdir()
        self.boots = 0
        self._name = f"sandbox-machine-{uuid.uuid4().hex[:8]}"
        self._groups = [folder / self._name for folder in HIERARCHIES]
        self._network = MachineNetwork()
        self._metadata: dict[str, str] = {}
        self._network.serve(80, metadata(self._metadata))
        self._network.serve(rootfs.RELAY, relay(rootfs.apt_proxy()))
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._thread = threading.Thread()
        self.become(public_key=public_key, user_data=user_data)

    def become(self, *, public_key: str, user_data: str = "") -> None:
        """Make the machine another instance at its next boot, through its metadata service."""
        self._metadata.clear()
        self._metadata |= {
            "meta-data/": "instance-id\nlocal-hostname\npublic-keys/",
            "meta-data/instance-id": f"i-{uuid.uuid4().hex[:17]}",
            "meta-data/local-hostname": "ip-10-100-0-10",
            "meta-data/public-keys/": "0=key",
            "meta-data/public-keys/0/": "openssh-key",
            "meta-data/public-keys/0/openssh-key": public_key,
            "dynamic/instance-identity/document": "{}",
        }
        if user_data:
            self._metadata["user-data"] = user_data

    def end(self) -> None:
        """Crash it, and remove everything that belongs to it."""
        self.crash()
        self._network.end()
        for group in self._groups:
            for folder in sorted(group.glob("**/"), reverse=True):  # the inner ones first
                _remove_group(folder)
        shutil.rmtree(self.disk)

    def boot(self) -> None:
        # the kernel ends a machine with the thread that started it, so that thread runs as long
        # as the machine
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        status = REBOOTS
        while status == REBOOTS and not self._ended:
            with self._network.inside(), self.console.open("ab") as console:
                self._process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL",
                     "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                     "--propagation", "private",
                     "sh", "-euc", BOOT, "boot", self._cache, self.disk, self._name, *self._groups],
                    stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                    start_new_session=True,
                )  # fmt: skip
            self.boots += 1
            status = self._process.wait()

    @property
    def console(self) -> Path:
        return self.disk / "console"

    def host_key(self, limit: float = 30) -> str:
        """The public key that the machine generated, from its console output."""
        path = self.disk / "upper/etc/ssh/ssh_host_ed25519_key.pub"
        end = time.monotonic() + limit
        while not (path.exists() and path.read_text()) and time.monotonic() < end:
            time.sleep(0.1)
        return path.read_text()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def power_off(self, limit: float = 60) -> None:
        """Press the power button, as AWS does to stop an instance."""
        assert self._process
        process = self._process.pid
        nspawn = Path(f"/proc/{process}/task/{process}/children").read_text()
        os.kill(int(nspawn), signal.SIGTERM)  # nspawn forwards it as --kill-signal
        self.wait_off(limit)

    def wait_off(self, limit: float) -> None:
        self._thread.join(limit)
        assert not self.running, f"the machine still runs after {limit:g} s"

    def read(self, *command: str) -> str:
        """The output of *command* in the root folder of the disk, while the machine is off."""
        assert not self.running
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private",
             "sh", "-euc", READ, "read", self._cache, self.disk, *command],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def crash(self) -> None:
        """Cut the power."""
        self._ended = True
        if self._process:
            self._process.kill()
        if self._thread.ident:
            self._thread.join()

    def dial(self, _host: str, port: int) -> socket.socket:
        """The `Dial` of the builder's SSH session."""
        with self._network.inside():
            return socket.create_connection(("127.0.0.1", port), timeout=5)


def _remove_group(folder: Path, limit: float = 30) -> None:
    """Remove a control group, which is only possible when its last process is gone."""
    end = time.monotonic() + limit
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
