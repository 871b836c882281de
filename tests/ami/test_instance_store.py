"""The boot script of the instance store on loop devices with a real file system."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path("ami/setup/instance-store.sh").resolve()
MODEL = "Amazon EC2 NVMe Instance Storage"

# lsblk is real for one disk; the list of disks is that of a machine with these loop devices.
LSBLK = """#!/bin/bash
case $* in
*NAME,MODEL*)
    echo "/dev/nvme0n1 Amazon Elastic Block Store"
    for disk in $DISKS; do echo "$disk $MODEL"; done
    ;;
*) exec "$LSBLK" "$@" ;;
esac
"""
# The kernel of this computer may lack RAID: the array is its first disk, and the call is recorded.
MDADM = """#!/bin/bash
echo "$*" >>"$TEST/mdadm"
while [[ $1 != /dev/loop* ]]; do shift; done
ln -s "$1" "$ARRAY"
"""


@dataclass
class Disks:
    folder: Path
    loops: list[str] = field(default_factory=list[str])

    def add(self, number: int) -> None:
        for _ in range(number):
            image = self.folder / f"disk{len(self.loops)}"
            with image.open("wb") as file:
                file.truncate(64 << 20)
            self.loops.append(
                subprocess.run(
                    ["losetup", "--find", "--show", image],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout.strip()
            )

    def boot(self, after: str = "true", before: str = "true") -> str:
        """Boot with mounts that end with it; return the output of the script and of *after*."""
        test, home = self.folder, self.folder / "home"
        home.mkdir(exist_ok=True)
        completed = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "bash", "-ec",
             f'{before}\nbash "$SCRIPT"\n{after}'],
            env={
                "PATH": f"{test}/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
                "LSBLK": "/usr/bin/lsblk",
                "DISKS": " ".join(self.loops),
                "MODEL": MODEL,
                "SCRIPT": str(SCRIPT),
                "TEST": str(test),
                "MOUNT": f"{test}/mnt",
                "ARRAY": f"{test}/array",
                "DLAMI_MOUNT": f"{test}/dlami",
                "DOCKER_FOLDERS": f"{test}/docker {test}/containerd",
                "LOGIN": "tester",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )  # fmt: skip
        assert completed.returncode == 0, completed.stdout
        return completed.stdout


@pytest.fixture
def disks(tmp_path: Path, machines_possible: None) -> Iterator[Disks]:  # noqa: ARG001 - needs root and namespaces
    attached = Disks(tmp_path)
    (tmp_path / "bin").mkdir()
    stand_ins = {
        "lsblk": LSBLK,
        "mdadm": MDADM,
        "udevadm": "#!/bin/sh\n",
        "getent": f"#!/bin/sh\necho tester:x:1:1::{tmp_path}/home:/bin/bash\n",
    }
    for name, text in stand_ins.items():
        file = tmp_path / "bin" / name
        file.write_text(text)
        file.chmod(0o755)
    yield attached
    for loop in attached.loops:
        subprocess.run(["losetup", "--detach", loop], check=True)


LOOK = """
findmnt --noheadings --output FSTYPE,OPTIONS --target "$MOUNT"
for folder in docker containerd; do
    mountpoint --quiet "$TEST/$folder" && echo "$folder is on it"
done
stat --format '%A scratch' "$TEST/home/scratch/"
"""


def test_one_disk_is_formatted_and_holds_docker_and_scratch(disks: Disks) -> None:
    disks.add(1)
    output = disks.boot(LOOK)
    assert "ext4" in output
    assert "noatime" in output
    assert "docker is on it" in output
    assert "containerd is on it" in output
    assert "drwxrwxrwt scratch" in output
    assert not (disks.folder / "mdadm").exists()


def test_after_a_reboot_the_data_are_still_there(disks: Disks) -> None:
    disks.add(1)
    disks.boot('echo kept >"$TEST/home/scratch/note"; echo layer >"$TEST/docker/layer"')
    output = disks.boot('cat "$TEST/home/scratch/note" "$TEST/docker/layer"')
    assert output.endswith("kept\nlayer\n")


def test_it_can_run_twice_in_one_boot(disks: Disks) -> None:
    disks.add(1)
    assert disks.boot('bash "$SCRIPT"').count("free") == 2


def test_several_disks_become_one_array(disks: Disks) -> None:
    disks.add(2)
    output = disks.boot(LOOK)
    assert "docker is on it" in output
    (call,) = (disks.folder / "mdadm").read_text().splitlines()
    assert "--level 0 --raid-devices 2" in call
    assert call.endswith(" ".join(sorted(disks.loops)))


def test_a_machine_without_such_a_disk_boots_as_it_is(disks: Disks) -> None:
    (disks.folder / "home").mkdir()
    (disks.folder / "home/scratch").symlink_to("left/by/the/build")
    output = disks.boot('ls -A "$TEST"; ls -A "$TEST/home"')
    assert "no instance store here" in output
    assert "mnt" not in output.split()
    assert "scratch" not in output.split()


@pytest.mark.parametrize("format_", ["mkfs.ext4 -q -L mine", "mkswap"])
def test_a_disk_with_data_of_others_is_left_alone(disks: Disks, format_: str) -> None:
    disks.add(1)
    (loop,) = disks.loops
    subprocess.run([*format_.split(), loop], check=True, capture_output=True)
    before = subprocess.run(["sha256sum", loop], check=True, capture_output=True).stdout
    output = disks.boot()
    assert f"{loop} is in use and is left alone" in output
    assert "no instance store here" in output
    assert subprocess.run(["sha256sum", loop], check=True, capture_output=True).stdout == before


def test_where_aws_has_mounted_the_disks_its_place_is_used(disks: Disks) -> None:
    disks.add(1)
    output = disks.boot(
        'echo here >"$TEST/home/scratch/note"; cat "$DLAMI_MOUNT/scratch/note"',
        before='mkdir "$DLAMI_MOUNT"; mount -t tmpfs none "$DLAMI_MOUNT"',
    )
    assert output.endswith("here\n")
