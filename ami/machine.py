"""What the new machine is told at its first boot, and the keys that belong to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncssh

if TYPE_CHECKING:
    from asyncssh import SSHKey

DEADLINE: Final = "ami-build-deadline"

# Written and started by the first stage of cloud-init. The deadline is a time in a file, so each
# boot reads the same one; the timer is enabled, so each boot starts it again.
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
Description=Look at the deadline of this build machine
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
class Keys:
    """Made here for one build, and never written to a file."""

    login: SSHKey
    host: SSHKey

    @classmethod
    def make(cls, name: str) -> Keys:
        return cls(
            login=asyncssh.generate_private_key("ssh-ed25519", comment=name),
            host=asyncssh.generate_private_key("ssh-ed25519", comment=name),
        )

    @property
    def login_line(self) -> str:
        return self.login.export_public_key("openssh").decode().strip()

    @property
    def host_line(self) -> str:
        return self.host.export_public_key("openssh").decode().strip()


def user_data(host: SSHKey, *, seconds_to_live: float) -> str:
    """The host key that the builder expects, and the dead man's switch.

    JSON is YAML, and needs no escaping of our own.
    """
    config = {
        "ssh_deletekeys": True,
        "ssh_keys": {
            "ed25519_private": host.export_private_key("openssh").decode(),
            "ed25519_public": host.export_public_key("openssh").decode().strip(),
        },
        "bootcmd": [
            ["sh", "-c", DEAD_MAN.replace("$SECONDS_TO_LIVE", str(int(seconds_to_live)))],
        ],
        "package_update": False,
        "package_upgrade": False,
    }
    return "#cloud-config\n" + json.dumps(config, indent=1)
