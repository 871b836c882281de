"""The keys of a build machine, and the user data that it runs at its first boot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncssh

if TYPE_CHECKING:
    from asyncssh import SSHKey

DEADLINE: Final = "ami-build-deadline"
"""The name of the dead man's switch: of its folder, script, service and timer."""

# The first stage of cloud-init writes and starts it. The deadline is in a file, so that each boot
# reads the same time; the timer is enabled, so that each boot starts it again.
DEAD_MAN: Final = f"""\
set -eu
mkdir -p /var/lib/{DEADLINE}
[ -s /var/lib/{DEADLINE}/at ] || echo $(($(date +%s) + $SECONDS_TO_LIVE)) >/var/lib/{DEADLINE}/at
cat >/usr/local/sbin/{DEADLINE} <<'SCRIPT'
#!/bin/sh
# Ends a build machine whose builder is gone: its shutdown terminates it.
[ "$(date +%s)" -lt "$(cat /var/lib/{DEADLINE}/at)" ] || systemctl poweroff
SCRIPT
chmod 0755 /usr/local/sbin/{DEADLINE}
cat >/etc/systemd/system/{DEADLINE}.service <<'UNIT'
[Unit]
Description=End this build machine at its deadline
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/{DEADLINE}
UNIT
cat >/etc/systemd/system/{DEADLINE}.timer <<'UNIT'
[Unit]
Description=Check the deadline of this build machine
[Timer]
OnBootSec=30
OnUnitActiveSec=60
[Install]
WantedBy=timers.target
UNIT
systemctl daemon-reload
systemctl enable {DEADLINE}.timer
systemctl start --no-block {DEADLINE}.timer
"""


@dataclass(frozen=True, slots=True)
class BuildKeys:
    """The SSH keys of one build. They are in memory only, unless the user keeps a failed build."""

    login: SSHKey
    host: SSHKey

    @classmethod
    def generate(cls, comment: str) -> BuildKeys:
        return cls(
            login=asyncssh.generate_private_key("ssh-ed25519", comment=comment),
            host=asyncssh.generate_private_key("ssh-ed25519", comment=comment),
        )

    @property
    def login_public(self) -> str:
        """The public key of the login, as one line in OpenSSH's format."""
        return _public_line(self.login)


def user_data(host: SSHKey, *, seconds_to_live: float) -> str:
    """The user data for cloud-init: the host key of the machine, and the dead man's switch.

    EC2 allows 16 KB: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
    """
    config = {
        "ssh_deletekeys": True,
        "ssh_keys": {
            "ed25519_private": host.export_private_key("openssh").decode(),
            "ed25519_public": _public_line(host),
        },
        "bootcmd": [
            ["sh", "-c", DEAD_MAN.replace("$SECONDS_TO_LIVE", str(int(seconds_to_live)))],
        ],
        "package_update": False,
        "package_upgrade": False,
    }
    return "#cloud-config\n" + json.dumps(
        config, indent=1
    )  # JSON is valid YAML without the pitfalls of YAML


def _public_line(key: SSHKey) -> str:
    return key.export_public_key("openssh").decode().strip()
