"""Load the user's own key for the login, and compare it with its key pair before the launch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncssh

from ami.aws_calls import AWS_ERRORS
from ami.errors import PlanError
from infra.aws_clients import error_code

if TYPE_CHECKING:
    from asyncssh import SSHKey

    from ami.plan import BuildOptions
    from infra.aws_clients import AwsClients

AskPassphrase: TypeAlias = Callable[[Path], str]
"""Asks for the passphrase of a key file; "" without a terminal."""
USE_AGENT: Final = "load it into your SSH agent with ssh-add, and leave the option out"


def load(aws: AwsClients, options: BuildOptions, ask: AskPassphrase) -> SSHKey | None:
    """The private key of --ssh-key; None: a temporary key, or one in the SSH agent.

    Raises:
        PlanError: the key pair does not exist, or its private key is not available.
    """
    if not options.ssh_key:
        if options.ssh_key_file:
            raise PlanError(
                f"--ssh-key-file {options.ssh_key_file}: needs the name of its key pair; add "
                "--ssh-key NAME"
            )
        return None
    public_key = _public_key(aws, options.ssh_key)
    if not options.ssh_key_file:
        _require_in_agent(options.ssh_key, public_key)
        return None
    key = _read(options.ssh_key_file, ask)
    if public_key and key.public_data != public_key:
        raise PlanError(
            f"--ssh-key-file {options.ssh_key_file}: is not the private key of --ssh-key "
            f"{options.ssh_key}; name the file of that key pair"
        )
    return key


def _public_key(aws: AwsClients, name: str) -> bytes:
    """The public half of the key pair; empty if EC2 does not return it.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeKeyPairs.html
    """
    try:
        pairs = aws.ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"]
    except AWS_ERRORS as error:
        if error_code(error) != "InvalidKeyPair.NotFound":
            raise
        pairs = list[Any]()
    if not pairs:
        raise PlanError(
            f"--ssh-key {name}: {aws.region} has no key pair of that name; leave the option out "
            "to use a temporary one"
        )
    text = pairs[0].get("PublicKey", "")
    return asyncssh.import_public_key(text).public_data if text else b""


def _read(file: Path, ask: AskPassphrase) -> SSHKey:
    where = f"--ssh-key-file {file}"
    try:
        text = file.read_bytes()
    except OSError as error:
        raise PlanError(
            f"{where}: cannot be read ({error.strerror}); name the private key's file"
        ) from error
    try:
        return asyncssh.import_private_key(text)
    except ValueError as error:
        if "passphrase" not in str(error).lower():
            raise PlanError(
                f"{where}: is not a private key ({error}); name the private key's file"
            ) from error
    passphrase = ask(file)
    if not passphrase:
        raise PlanError(
            f"{where}: is encrypted, and there is no terminal to ask for its passphrase; "
            f"{USE_AGENT}"
        )
    try:
        return asyncssh.import_private_key(text, passphrase)
    except ValueError as error:
        raise PlanError(
            f"{where}: cannot be decrypted ({error}); use its passphrase, or {USE_AGENT}"
        ) from error


def _require_in_agent(name: str, public_key: bytes) -> None:
    try:
        keys = asyncio.run(_agent_keys())
    except (OSError, ValueError, asyncssh.Error) as error:
        raise PlanError(
            f"--ssh-key {name}: no SSH agent answers ({error}); name the private key with "
            "--ssh-key-file"
        ) from error
    if public_key and public_key not in keys:
        raise PlanError(
            f"--ssh-key {name}: your SSH agent does not hold its private key; add it with ssh-add, "
            "or name it with --ssh-key-file"
        )


async def _agent_keys() -> list[bytes]:
    async with asyncssh.connect_agent() as agent:
        return [key.public_data for key in await agent.get_keys()]
