"""Fake build machines: real sshd processes, each in separate namespaces and a root folder.

The small scripts in machine/bin replace package archives, systemd and GPUs, and record their calls.
Shell, coreutils, git, flock and sshd are real.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
import time
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_ec2 import EC2Client

MACHINE = Path(__file__).parent / "machine"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sandbox-ami"
INSTALLED = Path("/usr/sbin/sshd")
PACKAGES = ("openssh-server", "openssh-sftp-server", "libwrap0")
REPOSITORIES = {
    "metta": "https://github.com/Metta-AI/metta",
    "pufferlib": "https://github.com/PufferAI/PufferLib",
    "nimby": "https://github.com/treeform/nimby",
    "box2d": "https://github.com/capnspacehook/box2d",
}
SOURCES = {"include/box2d.h": "", "src/core.h": "", "src/nimby.nim": ""}
"""The files of the repositories that the set-up reads, besides their commits."""
SSHD_CONFIG = """\
HostKey /etc/ssh/ssh_host_ed25519_key
ListenAddress 127.0.0.1
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
PidFile none
SetEnv PATH=/stubs:/usr/local/bin:/usr/sbin:/usr/bin
"""


class NoMachinesError(Exception):
    """Fake machines cannot run on this computer; the text says why and what to do."""


def require_possible() -> None:
    """Check that fake machines can run here, and fetch sshd.

    Raises:
        NoMachinesError: no rights, no namespaces, or no sshd.
    """
    if os.geteuid() != 0:
        raise NoMachinesError(
            "tests/ami: only root can create the namespaces of its fake machines; run the tests as "
            "root, or leave tests/ami out"
        )
    attempt = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--propagation", "private",
         "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if attempt.returncode:
        raise NoMachinesError(
            f"tests/ami: root cannot create namespaces here ({attempt.stderr.strip()}); give the "
            "container CAP_SYS_ADMIN (docker run --privileged)"
        )
    try:
        sshd_folder()
    except (OSError, subprocess.CalledProcessError) as error:
        messages = (getattr(error, "stderr", b"") or b"").decode().strip().splitlines()
        raise NoMachinesError(
            f"tests/ami: sshd is not installed, and apt-get cannot fetch {PACKAGES[0]} "
            f"({messages[-1] if messages else error}); install it, or let apt-get reach its archive"
        ) from error


def sshd_folder() -> Path:
    """A folder with the installed sshd, or with the one from Debian's archive."""
    folder = CACHE / "sshd"
    if (folder / "sshd").exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    work = CACHE / f"unpack-{uuid.uuid4().hex}"
    (work / "lib").mkdir(parents=True)
    if INSTALLED.exists():
        shutil.copy2(INSTALLED, work / "sshd")
    else:
        if not any(Path("/var/lib/apt/lists").glob("*Packages*")):
            subprocess.run(["apt-get", "update", "-q"], check=True, capture_output=True)
        subprocess.run(
            ["apt-get", "download", "-q", *PACKAGES], cwd=work, check=True, capture_output=True
        )
        for package in work.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, work / "root"], check=True)
        shutil.copy2(work / "root/usr/sbin/sshd", work / "sshd")
        for library in (work / "root").rglob("libwrap.so*"):
            shutil.copy2(library, work / "lib" / library.name)
    try:
        work.rename(folder)
    except OSError:  # another worker was faster
        shutil.rmtree(work)
    return folder


@cache
def repositories() -> tuple[Path, dict[str, str]]:
    """The folder of the repositories that machines clone, and the commit of each."""
    folder = CACHE / "git-of-four"
    if not folder.exists():
        work = CACHE / f"git-{uuid.uuid4().hex}"
        for name in REPOSITORIES:
            repository = work / name
            git = [
                "git",
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@localhost",
                "-C",
                str(repository),
            ]
            repository.mkdir(parents=True)
            subprocess.run([*git, "init", "-q"], check=True)
            (repository / "README.md").write_text(f"{name}\n")
            for path, text in SOURCES.items():
                (repository / path).parent.mkdir(exist_ok=True)
                (repository / path).write_text(text)
            subprocess.run([*git, "add", "."], check=True)
            subprocess.run([*git, "commit", "-qm", "first"], check=True)
        try:
            work.rename(folder)
        except OSError:
            shutil.rmtree(work)
    commits = {
        name: subprocess.run(
            ["git", "-C", folder / name, "rev-parse", "HEAD"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for name in REPOSITORIES
    }
    return folder, commits


def tar_archive(files: Mapping[str, str]) -> bytes:
    """A tar archive of programs; the same bytes each time."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


NIMBY = """#!/bin/sh
case $1 in
--version) echo "nimby 0.1.13" ;;
use) rm -rf ~/.nimby/nim && cp -r ~/.nimby/nim-"$2" ~/.nimby/nim ;;
esac
"""
NIM = f"""#!/bin/sh
for word; do case $word in --out:*) out=${{word#--out:}} ;; esac; done
case $1 in
--version) echo "Nim Compiler Version 2.2.6 [Linux: amd64]" ;;
compile) cat >"$out" <<'END' && chmod +x "$out"
{NIMBY}END
;;
esac
"""
DOWNLOADS = {
    "BAZELISK": (
        "bazelisk-linux-amd64",
        b'#!/bin/sh\n[ "$USE_BAZEL_VERSION" ] && echo "bazel $USE_BAZEL_VERSION"\n',
    ),
    "NIM": ("nim-2.2.6-linux_x64.tar.xz", tar_archive({"nim-2.2.6/bin/nim": NIM})),
    "RAYLIB": (
        "raylib-5.5_linux_amd64.tar.gz",
        tar_archive(
            {"raylib-5.5_linux_amd64/include/raylib.h": "", "raylib-5.5_linux_amd64/LICENSE": ""}
        ),
    ),
    "RLIGHTS": ("rlights.h", b"// lights\n"),
}
"""The file name and content of each download of the set-up, by pin."""


def versions() -> dict[str, str]:
    """The values for `--set`: commits and hashes of what fake machines clone and download."""
    _, commits = repositories()
    hashes = {
        name: hashlib.new("sha384" if name == "NIM" else "sha256", content).hexdigest()
        for name, (_, content) in DOWNLOADS.items()
    }
    return {
        "METTA_COMMIT": commits["metta"],
        "PUFFER_COMMIT": commits["pufferlib"],
        "NIMBY_COMMIT": commits["nimby"],
        "BOX2D_COMMIT": commits["box2d"],
        **{f"{name}_{'SHA384' if name == 'NIM' else 'SHA256'}": hashes[name] for name in hashes},
    }


FIRST_ANSWERED_LOGIN = 3
"""The number of the first login that a new machine accepts, so that each build must wait."""
BROKEN = {"deaf": "systemctl reboot does nothing", "no-return": "the machine stays off"}


def copy_tree(source: Path | str, target: Path) -> None:
    """Copy a folder with its symbolic links; cp is several times faster than shutil."""
    subprocess.run(["cp", "--archive", source, target], check=True)


def free_port() -> int:
    """A free port below the range of outgoing connections, which could otherwise take it."""
    while True:
        port = random.randrange(20000, 32000)  # noqa: S311 - no secret
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


class FakeMachine:
    """One build machine: it starts again after a reboot, and ends after a power-off."""

    def __init__(
        self, root: Path, user_data: str, public_key: str, *, port: int, login: str = "ubuntu"
    ) -> None:
        self.root, self.login, self.port = root, login, port
        self.boots = 0
        self.ended = False
        self._process: subprocess.Popen[bytes] | None = None
        self._fill_root(user_data, public_key)

    def _fill_root(self, user_data: str, public_key: str) -> None:
        root, home = self.root, self.root / "home" / self.login
        for name in [
            "usr",
            "local/bin",
            "local/sbin",
            "dev",
            "proc",
            "sshd",
            "run",
            "tmp",
            "var/tmp",
            "var/lib/apt/lists",
            "var/log",
            "root",
            "opt",
            "boot",
            "srv",
            "etc/ssh",
            "etc/apt/apt.conf.d",
            "etc/apt/sources.list.d",
            "etc/apt/preferences.d",
            "etc/default",
            "etc/systemd/system",
            "recorder/units/enabled",
            "recorder/bootcmd",
            "var/lib/cloud/instance",
        ]:
            (root / name).mkdir(parents=True, exist_ok=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / name).symlink_to(f"usr/{name}")
        # first on every PATH, also on that of /etc/environment, which the set-up writes
        (root / "stubs").symlink_to("local/sbin")
        for stub in (MACHINE / "bin").iterdir():
            shutil.copy2(stub, root / "stubs" / stub.name)
        shutil.copy2(MACHINE / "init", root / "recorder/init")
        copy_tree("/etc/alternatives", root / "etc/alternatives")
        for name in ("ld.so.cache", "nsswitch.conf", "services", "protocols"):
            if Path("/etc", name).exists():
                shutil.copy2(f"/etc/{name}", root / "etc" / name)
        (root / "etc/passwd").write_text(
            "root:x:0:0:root:/root:/bin/bash\n"
            f"{self.login}:x:0:0::/home/{self.login}:/bin/bash\n"
            "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
            "nobody:x:65534:65534::/:/usr/sbin/nologin\n"
        )
        (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
        (root / "boot/vmlinuz-6.8.0-1040-aws").touch()
        (root / "recorder/packages").write_text("linux-image-6.8.0-1040-aws\n")
        (root / "recorder/calls").touch()
        cloud_config: dict[str, Any] = json.loads(user_data.removeprefix("#cloud-config\n"))
        (root / "var/lib/cloud/instance/user-data.txt").write_text(user_data)
        keys = cloud_config["ssh_keys"]
        private = root / "etc/ssh/ssh_host_ed25519_key"
        private.touch(mode=0o600)
        private.write_text(keys["ed25519_private"])
        (root / "etc/ssh/sshd_config").write_text(SSHD_CONFIG)
        for number, (shell, flag, command) in enumerate(cloud_config["bootcmd"]):
            assert (shell, flag) == ("sh", "-c")
            (root / f"recorder/bootcmd/{number}").write_text(command)
        for login_home in (home, root / "root"):
            (login_home / ".ssh").mkdir(parents=True, mode=0o700)
            (login_home / ".ssh/authorized_keys").write_text(public_key + "\n")
        folder, _ = repositories()
        copy_tree(folder, root / "srv/git")
        (root / "srv/downloads").mkdir()
        for name, content in DOWNLOADS.values():
            (root / "srv/downloads" / name).write_bytes(content)
        (home / ".gitconfig").write_text(
            "[safe]\n\tdirectory = *\n"
            + "".join(
                f'[url "file:///srv/git/{name}"]\n\tinsteadOf = {url}\n'
                for name, url in REPOSITORIES.items()
            )
        )
        shutil.copy2(home / ".gitconfig", root / "root/.gitconfig")

    def start(self) -> None:
        """Run until the machine is off; start it again after a reboot.

        The thread that starts the process must outlive it, since the process dies with the thread.
        """
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        reboot_requested = self.root / "recorder/reboot"
        while not self.ended:
            (self.root / "recorder/boot_id").write_text(f"{uuid.uuid4()}\n")
            self.boots += 1
            with (self.root / "recorder/boot.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [
                        "setpriv", "--pdeathsig", "KILL",
                        "unshare", "--mount", "--pid", "--fork", "--kill-child",
                        "--propagation", "private",
                        "sh", MACHINE / "boot.sh", self.root, sshd_folder(), str(self.port),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,
                )  # fmt: skip
            self._process.wait()
            if not reboot_requested.exists() or (self.root / "recorder/no-return").exists():
                self.ended = True
            reboot_requested.unlink(missing_ok=True)

    def damage(self, how: list[str]) -> None:
        """Break the machine in each of the ways that *how* names."""
        recorder = self.root / "recorder"
        if "old-driver" in how:
            (recorder / "driver").write_text("470.1")
        if "dlami" in how:  # AWS's image brings a driver, of another branch
            for name in ("driver", "module"):
                (recorder / name).write_text("595.58.03\n")
            with (recorder / "packages").open("a") as packages:
                packages.write("nvidia-utils-595\n")
        if "broken-units" in how:
            (recorder / "failed-units").write_text("docker.service loaded failed\n")
        if "foreign-units" in how:
            (recorder / "failed-units").write_text("fwupd-refresh.service loaded failed\n")
        if "failed-cloud-init" in how:
            (recorder / "cloud-init").write_text("1")
        if "other-host-key" in how:
            other = asyncssh.generate_private_key("ssh-ed25519")
            (self.root / "etc/ssh/ssh_host_ed25519_key").write_bytes(other.export_private_key())

    def drop_connections(self) -> None:
        """End the sessions of sshd but not sshd itself, like a network that drops connections."""
        for status in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if f"sshd: {self.login}".encode() in status.read_bytes() and self._is_mine(
                    status.parent
                ):
                    os.kill(int(status.parent.name), signal.SIGKILL)
            except OSError:
                continue

    def _is_mine(self, process: Path) -> bool:
        return (process / "root/recorder/boot_id").samefile(self.root / "recorder/boot_id")

    def crash(self) -> None:
        """Cut the power."""
        self.ended = True
        if self._process:
            self._process.kill()
            self._process.wait()

    def calls(self) -> list[str]:
        return (self.root / "recorder/calls").read_text().splitlines()

    def wait_listening(self) -> None:
        while not self.ended:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError((self.root / "recorder/boot.log").read_text())


class FakeMachines:
    """Connections to port 22 of an instance's public address reach its fake machine."""

    def __init__(self, ec2: EC2Client, folder: Path) -> None:
        self._ec2, self._folder = ec2, folder
        self.by_id: dict[str, FakeMachine] = {}
        self._by_address: dict[str, FakeMachine] = {}
        self._logins: dict[str, int] = {}
        self.dialled: list[tuple[str, int]] = []
        self.prepare: list[str] = []
        """The defects of each new machine, as names of files in its recorder folder."""

    def dial(self, host: str, port: int) -> socket.socket:
        self.dialled.append((host, port))
        assert port == 22
        machine = self._by_address.get(host) or self._boot(host)
        logins = self._logins[host] = self._logins.get(host, 0) + 1
        if logins < FIRST_ANSWERED_LOGIN:
            raise ConnectionRefusedError(f"{host} is still starting")
        if machine.ended:
            raise ConnectionRefusedError(f"{host} is off")
        return connect(machine.port)

    def _boot(self, address: str) -> FakeMachine:
        """Start the machine of the instance with this public address."""
        filters: Any = [{"Name": "ip-address", "Values": [address]}]
        instance = self._ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]
        instance_id = instance.get("InstanceId", "")
        root = self._folder / instance_id
        machine = FakeMachine(
            root,
            user_data(self._ec2, instance_id),
            public_key(self._ec2, instance.get("KeyName", "")),
            port=free_port(),
        )
        for name in self.prepare:
            (root / "recorder" / name).write_text(BROKEN.get(name, ""))
        machine.damage(self.prepare)
        machine.start()
        machine.wait_listening()
        self.by_id[instance_id] = self._by_address[address] = machine
        return machine

    @property
    def last(self) -> FakeMachine:
        return list(self.by_id.values())[-1]

    def crash(self) -> None:
        """Switch every machine off; its root folder stays."""
        for machine in self.by_id.values():
            machine.crash()

    def remove(self) -> None:
        self.crash()
        for machine in self.by_id.values():
            shutil.rmtree(machine.root, ignore_errors=True)
        self.by_id.clear()
        self._by_address.clear()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def user_data(ec2: EC2Client, instance: str) -> str:
    attribute = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
    return base64.b64decode(attribute["UserData"].get("Value", "")).decode()


def public_key(ec2: EC2Client, name: str) -> str:
    key_pairs = ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"]
    return key_pairs[0].get("PublicKey", "")
