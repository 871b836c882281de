"""What is done on the build machine, in order: wait, set up, reboot, verify, seal."""

from __future__ import annotations

import io
import json
import shlex
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from ami.errors import SetupError, VerificationError
from ami.machine import DEADLINE
from ami.ssh import CommandError, ConnectionBrokeError

if TYPE_CHECKING:
    from ami.plan import Plan
    from ami.progress import Progress
    from ami.ssh import Guest

FOLDER: Final = "/var/tmp/ami-build"  # noqa: S108 - on the build machine, which is ours alone
MANIFEST: Final = "/etc/sandbox-image.json"
BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
STEP: Final = "==> "
"""How a script of ours starts the line that names its next step."""
Log = Callable[[str], None]


def script(name: str) -> bytes:
    return resources.files("ami").joinpath("setup", name).read_bytes()


def archive() -> bytes:
    """All of ami/setup in one file, since each copy costs a round trip or two."""
    packed = io.BytesIO()
    folder = resources.files("ami").joinpath("setup")
    with tarfile.open(fileobj=packed, mode="w") as tar:
        files = (one for one in folder.iterdir() if one.is_file())
        for one in sorted(files, key=lambda one: one.name):
            content = one.read_bytes()
            entry = tarfile.TarInfo(one.name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@dataclass(frozen=True, slots=True)
class Work:
    """The machine with everything that its scripts are told."""

    guest: Guest
    plan: Plan
    progress: Progress
    log: Log

    def wait_until_ready(self) -> None:
        """First boot over, no apt job in the way, and the dead man's switch armed."""
        self.guest.connect(self.plan.limits.login)
        self.guest.put(
            f"{FOLDER}/scripts.tar",
            archive(),
            then="tar --extract --file scripts.tar && rm scripts.tar",
        )
        self.run_script("ready.sh", limit=self.plan.limits.ready)

    def set_up(self, stage: str) -> None:
        """Run a stage; again after a broken connection, for its finished steps are not repeated."""
        for attempt in range(self.plan.limits.reconnects + 1):
            try:
                self.run_script("setup.sh", stage, limit=self.plan.limits.setup)
            except ConnectionBrokeError as error:
                if attempt == self.plan.limits.reconnects:
                    raise
                self.progress.say(f"{error}; connecting again")
                self.guest.connect(self.plan.limits.login)
            else:
                return

    def reboot(self) -> None:
        """Restart the machine, and know by its boot id that it did."""
        before = self._boot_id()
        try:
            self.guest.run("sudo -n systemctl reboot", limit=self.plan.limits.check)
        except (ConnectionBrokeError, CommandError):
            self.progress.note("the connection ended with the reboot")
        end = time.monotonic() + self.plan.limits.reboot
        while True:
            self.guest.close()
            try:
                self.guest.connect(max(end - time.monotonic(), self.plan.limits.knock))
                after = self._boot_id()
            except ConnectionBrokeError:
                after = before
            if after != before:
                break
            if time.monotonic() > end:
                raise SetupError(
                    f"{self.guest.address} was told to reboot and still runs as before"
                    f" after {self.plan.limits.reboot:g} s"
                )
            time.sleep(self.plan.limits.knock)
        self.run_script("ready.sh", limit=self.plan.limits.ready)

    def verify(self) -> dict[str, str]:
        """The versions that are really there; any check that fails ends the build."""
        try:
            output = self.run_script("verify.sh", limit=self.plan.limits.check)
        except CommandError as error:
            raise VerificationError(f"the machine failed its verification: {error}") from error
        lines = (line.removeprefix("ok ") for line in output.splitlines() if line.startswith("ok "))
        versions = dict(line.split(" ", 1) for line in lines if " " in line)
        if not versions:
            raise VerificationError("the verification said nothing: no check was made")
        return versions

    def write_manifest(self, manifest: Mapping[str, object]) -> None:
        text = json.dumps(manifest, indent=2) + "\n"
        self.guest.put(f"{FOLDER}/manifest.json", text.encode())
        self.guest.run(
            f"sudo -n install -m 0644 {FOLDER}/manifest.json {MANIFEST}",
            limit=self.plan.limits.check,
        )

    def seal(self) -> None:
        """Remove what belongs to the build and to this one machine, and prove it."""
        prove = script("prove.sh").decode()  # its file goes with the rest
        limit = self.plan.limits.check
        self.run_script("seal.sh", limit=limit)
        try:
            self.guest.run(
                f"sudo -n {self._settings()} bash -s",
                what="prove.sh",
                limit=limit,
                on_line=self._line,
                secret=prove.encode(),
            )
        except CommandError as error:
            raise VerificationError(f"the image would not be clean: {error}") from error

    def _boot_id(self) -> str:
        return self.guest.run(f"cat {BOOT_ID}", limit=self.plan.limits.check).strip()

    def run_script(self, name: str, *arguments: str, limit: float) -> str:
        """Run one of our scripts as root; one at a time, also after a broken connection.

        The limit is set below sudo once more: from above, no signal of the login reaches it.
        """
        bound = f"timeout --kill-after=10 {limit:g} flock --wait {limit:g} {FOLDER}"
        command = shlex.join(["bash", f"{FOLDER}/{name}", *arguments])
        return self.guest.run(
            f"sudo -n {self._settings()} {bound} {command}",
            limit=limit,
            what=" ".join((name, *arguments)),
            on_line=self._line,
        )

    def _settings(self) -> str:
        settings = {
            **self.plan.request.versions,
            "BASE": self.plan.request.base,
            "NVIDIA_BRANCH": self.plan.driver,
            "GPUS": str(self.plan.gpus),
            "LOGIN": self.plan.request.ssh_user,
            "DEADLINE": DEADLINE,
            "FOLDER": FOLDER,
        }
        return shlex.join(["env", *(f"{name}={value}" for name, value in settings.items())])

    def _line(self, line: str) -> None:
        self.log(line)
        if line.startswith(STEP):
            self.progress.note(line.removeprefix(STEP))
