"""The user's own key is loaded and compared with its key pair before anything is launched."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import asyncssh
import pytest

from ami import login_key
from ami.errors import PlanError
from ami.plan import BuildOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asyncssh import SSHKey

    from infra.aws_clients import AwsClients
    from tests.ami.conftest import EmulatedAccount


@pytest.fixture
def key(account: EmulatedAccount) -> SSHKey:
    """The private key of the key pair `user`."""
    private = asyncssh.generate_private_key("ssh-ed25519")
    public = private.export_public_key("openssh")
    account.ec2.import_key_pair(KeyName="user", PublicKeyMaterial=public)
    return private


def load(clients: AwsClients, file: Path | None, passphrase: str = "") -> SSHKey | None:
    options = BuildOptions(ssh_key="user", ssh_key_file=file)
    return login_key.load(clients, options, lambda _: passphrase)


def test_a_key_file_must_hold_the_private_key_of_the_pair(
    clients: AwsClients, key: SSHKey, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    with pytest.raises(PlanError, match=r"--ssh-key-file .*cannot be read"):
        load(clients, file)
    file.write_bytes(key.export_private_key("openssh"))
    loaded = load(clients, file)
    assert loaded
    assert loaded.public_data == key.public_data
    other = asyncssh.generate_private_key("ssh-ed25519")
    file.write_bytes(other.export_private_key("openssh"))
    with pytest.raises(PlanError, match="is not the private key of --ssh-key user"):
        load(clients, file)
    file.write_bytes(key.export_public_key("openssh"))
    with pytest.raises(PlanError, match="is not a private key"):
        load(clients, file)


def test_an_encrypted_key_file_is_decrypted_with_the_passphrase_of_the_user(
    clients: AwsClients, key: SSHKey, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    for form in ("openssh", "pkcs8-pem"):
        file.write_bytes(key.export_private_key(form, passphrase="right"))
        loaded = load(clients, file, "right")
        assert loaded, form
        assert loaded.public_data == key.public_data
        with pytest.raises(PlanError, match="cannot be decrypted"):
            load(clients, file, "wrong")
        with pytest.raises(PlanError, match="ssh-add"):
            load(clients, file, "")


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An SSH agent without a key."""
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        while not socket.exists():
            assert process.poll() is None
        yield
        process.terminate()


async def add_to_agent(key: SSHKey) -> None:
    async with asyncssh.connect_agent() as agent:
        await agent.add_keys([key])


@pytest.mark.usefixtures("agent")
def test_without_a_file_the_agent_must_hold_the_key(clients: AwsClients, key: SSHKey) -> None:
    with pytest.raises(PlanError, match="does not hold its private key"):
        load(clients, None)
    asyncio.run(add_to_agent(key))
    assert load(clients, None) is None


@pytest.mark.usefixtures("key")
def test_without_a_file_and_an_agent_the_option_is_named(
    clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(PlanError, match=r"no SSH agent answers.*--ssh-key-file"):
        load(clients, None)
