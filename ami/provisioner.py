"""The work on the build machine, in this order: wait, set up, reboot, verify, seal."""

from __future__ import annotations

import io
import json
import shlex
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Final

from ami.errors import SetupError, VerificationError
from ami.first_boot import DEADLINE
from ami.progress import StepClock
from ami.ssh_session import CommandError, ConnectionBrokeError

if TYPE_CHECKING:
    from ami.plan import BuildPlan
    from ami.progress import BuildProgress
    from ami.ssh_session import SshSession

FOLDER: Final = "/var/tmp/ami-build"  # noqa: S108 - on the build machine, which has no other user
MANIFEST: Final = "/etc/sandbox-image.json"
BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
STEP: Final = "==> "
"""The prefix of the line with which a set-up script names its next step."""
LOOK: Final = "build again with --keep-on-error to look at the machine"
VERIFIED: Final = "ok "
"""The prefix of the line "ok NAME VERSION" for each passed check of verify.sh."""
Log = Callable[[str], None]


def script(name: str) -> bytes:
    """The text of a script in ami/setup with Unix line ends, which a checkout may not have."""
    return _with_unix_ends(resources.files("ami").joinpath("setup", name).read_bytes())


def _with_unix_ends(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def archive() -> bytes:
    """All files of ami/setup in one tar file, since each copy needs a round trip or two."""
    packed = io.BytesIO()
    folder = resources.files("ami").joinpath("setup")
    with tarfile.open(fileobj=packed, mode="w") as tar:
        files = (file for file in folder.iterdir() if file.is_file())
        for file in sorted(files, key=lambda file: file.name):
            content = _with_unix_ends(file.read_bytes())
            entry = tarfile.TarInfo(file.name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@dataclass(frozen=True, slots=True)
class Provisioner:
    """Installs, verifies and seals the build machine."""

    session: SshSession
    plan: BuildPlan
    progress: BuildProgress
    log: Log
    clock: StepClock = field(default_factory=StepClock)
    """Measures the steps of the scripts."""

    def wait_until_ready(self) -> None:
        """Wait for the end of the first boot, idle apt, and an armed dead man's switch."""
        self.session.connect(self.plan.limits.login)
        self.session.put(
            f"{FOLDER}/scripts.tar",
            archive(),
            then="tar --extract --file scripts.tar && rm scripts.tar",
        )
        self.run_script("ready.sh", limit=self.plan.limits.ready)

    def set_up(self, stage: str) -> None:
        """Run a stage; repeat it after a broken connection, without its finished steps."""
        limit = self.plan.limits.upgrade if stage == "base" else self.plan.limits.software
        for attempt in range(self.plan.limits.reconnects + 1):
            try:
                self.run_script("setup.sh", stage, limit=limit)
            except ConnectionBrokeError as error:
                if attempt == self.plan.limits.reconnects:
                    raise
                self.progress.say(f"{error}; connecting again")
                self.session.connect(self.plan.limits.login)
            else:
                return

    def reboot(self) -> None:
        """Restart the machine; a new boot id proves that it did."""
        before = self._boot_id()
        try:
            self.session.run("sudo -n systemctl reboot", limit=self.plan.limits.check)
        except (ConnectionBrokeError, CommandError):
            self.progress.note("the reboot closed the connection")
        end = time.monotonic() + self.plan.limits.reboot
        retry_interval = self.plan.limits.login_retry_interval
        while True:
            self.session.close()
            try:
                self.session.connect(max(end - time.monotonic(), retry_interval))
                after = self._boot_id()
            except ConnectionBrokeError:
                after = before
            if after != before:
                break
            if time.monotonic() > end:
                raise SetupError(
                    f"{self.session.address} has not rebooted within "
                    f"{self.plan.limits.reboot:g} s; {LOOK}"
                )
            time.sleep(retry_interval)
        self.run_script("ready.sh", limit=self.plan.limits.ready)

    def verify(self) -> dict[str, str]:
        """The versions on the machine, by name.

        Raises:
            VerificationError: a check failed, or no check ran.
        """
        try:
            output = self.run_script("verify.sh", limit=self.plan.limits.verify)
        except CommandError as error:
            raise VerificationError(
                f"the machine failed its verification: {error}; {LOOK}"
            ) from error
        checks = (
            line.removeprefix(VERIFIED) for line in output.splitlines() if line.startswith(VERIFIED)
        )
        versions = dict(check.split(" ", 1) for check in checks if " " in check)
        if not versions:
            raise VerificationError(f"verify.sh printed no result: no check was made; {LOOK}")
        return versions

    def write_manifest(self, manifest: Mapping[str, object]) -> None:
        """Write the manifest of the image to `MANIFEST`, as JSON."""
        text = json.dumps(manifest, indent=2) + "\n"
        self.session.put(f"{FOLDER}/manifest.json", text.encode())
        self.session.run(
            f"sudo -n install -m 0644 {FOLDER}/manifest.json {MANIFEST}",
            limit=self.plan.limits.check,
        )

    def seal(self) -> None:
        """Remove all traces of the build and of this machine's identity, and prove it.

        Raises:
            VerificationError: a trace is still there.
        """
        prove = script(
            "prove.sh"
        ).decode()  # sent through standard input, since the seal removes the copied scripts
        limit = self.plan.limits.check
        self.run_script("seal.sh", limit=limit)
        try:
            self.session.run(
                f"sudo -n {self._environment()} bash -s",
                name="prove.sh",
                limit=limit,
                on_line=self._line,
                stdin=prove.encode(),
            )
        except CommandError as error:
            raise VerificationError(f"the image would not be clean: {error}; {LOOK}") from error

    def _boot_id(self) -> str:
        return self.session.run(f"cat {BOOT_ID}", limit=self.plan.limits.check).strip()

    def run_script(self, name: str, *arguments: str, limit: float) -> str:
        """Run a copied script as root and return its output.

        A first run may continue after its connection broke, so the lock makes a second run wait.
        The limit is set again below sudo, since a signal of the login does not reach root's child.
        """
        bounded = f"timeout --kill-after=10 {limit:g} flock --wait {limit:g} {FOLDER}"
        command = shlex.join(["bash", f"{FOLDER}/{name}", *arguments])
        script_name = " ".join((name, *arguments))

        def on_line(line: str) -> None:
            self._line(line)
            if line.startswith(STEP):
                step = line.removeprefix(STEP).partition(" (")[0]
                self.clock.start(f"{script_name}: {step}")

        try:
            return self.session.run(
                f"sudo -n {self._environment()} {bounded} {command}",
                limit=limit,
                name=script_name,
                on_line=on_line,
            )
        finally:
            self.clock.stop()

    def _environment(self) -> str:
        variables = {
            **self.plan.options.versions,
            "BASE": self.plan.options.base,
            "NVIDIA_BRANCH": self.plan.driver,
            "GPUS": str(self.plan.gpus),
            "LOGIN": self.plan.options.ssh_user,
            "DEADLINE": DEADLINE,
            "FOLDER": FOLDER,
        }
        return shlex.join(["env", *(f"{name}={value}" for name, value in variables.items())])

    def _line(self, line: str) -> None:
        self.log(line)
        if line.startswith(STEP):
            self.progress.note(line.removeprefix(STEP))
