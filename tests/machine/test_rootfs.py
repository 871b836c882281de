"""If no machine can run, one line has the reason and the cure."""

import shutil

import pytest

from tests.machine import rootfs


def test_without_root_the_reason_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs.os, "geteuid", lambda: 1000)
    with pytest.raises(rootfs.NoMachineError, match=r"^a machine needs root.*: run this as root$"):
        rootfs.require_possible()


def test_without_the_tools_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs.os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(
        rootfs.NoMachineError,
        match=r": run apt-get install apt iproute2 mmdebstrap systemd-container util-linux$",
    ):
        rootfs.require_possible()


def test_without_package_lists_apt_get_update_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "_output", lambda *_: "")
    with pytest.raises(rootfs.NoMachineError, match="run apt-get update"):
        rootfs.folder()
