"""The root file system of a real machine: this computer's own Debian, created once and cached."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from tests.machine.network import METADATA, RELAY

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sandbox-pulumi"
TOOLS = {
    "apt-get": "apt",
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "ip": "iproute2",
}
"""The commands that a machine needs on this computer, and the package of each."""
PACKAGES = (
    "ca-certificates",
    "cloud-init",
    "curl",
    "dbus",
    "libnss-myhostname",
    "libpam-systemd",
    "openssh-server",
    "rsyslog",
    "sudo",
    "systemd-sysv",
    "unattended-upgrades",
)
"""The packages of an AWS image of Ubuntu on which the builder's scripts rely."""
FILES = {
    # the login is Ubuntu's; everything else comes from the metadata service
    "etc/cloud/cloud.cfg.d/90_ec2.cfg": """\
datasource_list: [Ec2]
datasource: {Ec2: {strict_id: false}}
network: {config: disabled}
locale: false
system_info:
  default_user: {name: ubuntu, gecos: Ubuntu, groups: [adm, sudo]}
""",
    "etc/apt/apt.conf.d/90relay": f'Acquire::http::Proxy "http://{METADATA}:{RELAY}";\n',
    # systemd skips the random seed in a container, but this machine replaces a hardware one
    "etc/systemd/system/systemd-random-seed.service.d/container.conf": (
        "[Unit]\nConditionVirtualization=\n"
    ),
}


TRIAL = """
mkdir "$1/lower" "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" "$1/root"
"""


class NoMachineError(Exception):
    """No machine can run here; the text is for the user."""


def require_possible() -> None:
    """Check that this computer can run a machine.

    Raises:
        NoMachineError: it cannot; the message has the reason and the cure.
    """
    if os.geteuid() != 0:
        raise NoMachineError("a machine needs root, for its namespaces: run this as root")
    if missing := sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)}):
        raise NoMachineError(
            f"a machine needs {', '.join(missing)}: run apt-get install {' '.join(missing)}"
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        trial = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc",
             "sh", "-euc", TRIAL, "trial", work],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
    if trial.returncode:
        raise NoMachineError(
            "root cannot create namespaces or an overlay here"
            f" ({trial.stderr.strip().splitlines()[-1]}); in a container, use docker run "
            "--privileged, and a disk that is not an overlay itself"
        )


def folder() -> Path:
    """The folder of the root file system, which may not exist yet."""
    text = repr((sources(), PACKAGES, sorted(FILES.items())))
    return CACHE / f"machine-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def cached() -> Path:
    """The root file system of an earlier run."""
    root = folder()
    if not root.exists():
        raise NoMachineError("its root file system does not exist yet; run make prove-machine once")
    return root


def make() -> Path:
    """The root file system; create it unless it is cached."""
    root = folder()
    if root.exists():
        return root
    CACHE.mkdir(parents=True, exist_ok=True)
    work = root.with_name(f"{root.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        completed = subprocess.run(
            ["nice", "mmdebstrap", "--quiet", "--mode=root", "--variant=apt",
             f"--include={','.join(PACKAGES)}",
             *(f'--aptopt=Acquire::http::Proxy "{proxy}"' for proxy in [apt_proxy()] if proxy),
             suite(), work, "-"],
            input="\n".join(sources()), check=False, capture_output=True, text=True,
        )  # fmt: skip
        if completed.returncode:
            lines = completed.stderr.strip().splitlines()
            error = next((line for line in lines if line.startswith("E: ")), "no reason given")
            raise NoMachineError(f"mmdebstrap created no root file system ({error})")
        (work / "etc/apt/apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
        for key in (work / "etc/ssh").glob("ssh_host_*"):  # an AWS image has no such file
            key.unlink()
        for name, content in FILES.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(content)
        work.rename(root)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return root


def sources() -> list[str]:
    """The lines of this computer's apt sources that name its distribution's archive."""
    distribution = "Ubuntu" if "ID=ubuntu" in Path("/etc/os-release").read_text() else "Debian"
    lines = _output(
        "apt-get", "indextargets", "--format", "deb $(SITE) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages", f"Origin: {distribution}",
    ).splitlines()  # fmt: skip
    if not lines:
        raise NoMachineError(
            f"apt has no package list of {distribution} here: run apt-get update, as root"
        )
    if others := [line for line in lines if not line.startswith("deb http://")]:
        raise NoMachineError(
            f"apt's source here is {others[0].split()[1]}, and the machine's relay speaks http"
            " only: name an http:// mirror in /etc/apt"
        )
    return sorted(set(lines))


def suite() -> str:
    return min((line.split()[2] for line in sources()), key=len)


def apt_proxy() -> str:
    """The proxy through which this computer's apt reaches its archive; "" if none."""
    line = _output("apt-config", "dump", "--format", "%v%n", "Acquire::http::Proxy")
    return line.strip() or os.environ.get("http_proxy", "")


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
