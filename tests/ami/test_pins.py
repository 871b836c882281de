"""`sandbox image pins`: the versions with their sources, and newer ones from PyPI."""

from __future__ import annotations

import json
import shutil
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from ami import pins
from sandbox import cli
from sandbox.core.errors import ExitCode, SandboxError
from sandbox.image import pin_updates
from sandbox.image.pin_updates import Update

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "ab" * 32


@pytest.fixture
def pypi(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The latest version of each project on a fake PyPI; at first the pinned version."""
    latest = {pin.pypi: pin.value for pin in pins.load() if pin.pypi}

    def read(address: str) -> bytes:
        name = address.split("/")[-2]
        urls = [
            {"filename": f"{name}-9-py3-none-{platform}.whl", "digests": {"sha256": digest}}
            for platform, digest in (
                ("manylinux_2_17_x86_64.manylinux2014_x86_64", DIGEST),
                ("musllinux_1_1_x86_64", "0" * 64),
                ("manylinux_2_17_aarch64.manylinux2014_aarch64", "1" * 64),
            )
        ]
        return json.dumps({"info": {"version": latest[name]}, "urls": urls}).encode()

    original = pin_updates.find
    monkeypatch.setattr(pin_updates, "find", lambda all_pins: original(all_pins, read))
    return latest


def find() -> list[Update]:
    return pin_updates.find(pins.load())


def test_every_pin_is_shown_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["image", "pins", "--json"]) == 0
    shown: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [pin["name"] for pin in shown] == [pin.name for pin in pins.load()]
    (uv,) = (pin for pin in shown if pin["name"] == "UV_VERSION")
    assert uv["settings"].keys() == {"UV_SHA256"}
    assert cli.run(["image", "pins"]) == 0
    table = capsys.readouterr().out
    assert all(pin["name"] in table and pin["newer"] in table for pin in shown)


@pytest.mark.usefixtures("pypi")
def test_without_a_newer_version_there_is_nothing_to_do() -> None:
    assert find() == []
    assert cli.run(["image", "pins", "--latest"]) == 0


def test_a_newer_version_is_written_with_its_hash_and_its_day(
    pypi: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pypi |= {"uv": "9.9.9", "cogames": "9.9"}
    assert cli.run(["image", "pins", "--latest"]) == ExitCode.ATTENTION
    assert "9.9.9" in capsys.readouterr().out
    file = tmp_path / pins.FILE
    shutil.copy("ami/setup/pins.toml", file)
    before = tomllib.loads(file.read_text())
    pin_updates.write(find(), file)
    after = tomllib.loads(file.read_text())
    changed = {
        (name, field)
        for name, table in after.items()
        for field, value in table.items()
        if before[name][field] != value
    }
    assert changed >= {
        ("UV_VERSION", "value"),
        ("UV_VERSION", "sha256"),
        ("COGAMES_VERSION", "value"),
    }
    assert changed <= {
        ("UV_VERSION", "value"),
        ("UV_VERSION", "sha256"),
        ("COGAMES_VERSION", "value"),
        ("COGAMES_PACKAGES_UNTIL", "value"),  # the same on the day of the pin
    }
    assert after["UV_VERSION"]["sha256"] == DIGEST


def test_a_version_that_another_pin_decides_is_only_shown(pypi: dict[str, str]) -> None:
    pypi["torch"] = "9.9"
    (update,) = find()
    assert (update.latest, update.values) == ("9.9", {})


def test_a_version_to_skip_is_not_newer(pypi: dict[str, str]) -> None:
    pypi["cogames"] = next(pin.skip for pin in pins.load() if pin.pypi == "cogames")
    assert find() == []


def test_a_registry_that_does_not_answer_is_named() -> None:
    def refuse(address: str) -> bytes:
        raise OSError(f"no route to {address}")

    with pytest.raises(SandboxError, match=r"^https://pypi\.org/pypi/uv/json: "):
        pin_updates.find(pins.load(), refuse)
