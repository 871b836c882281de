"""Create the old environment with Terraform itself, where the machine has it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.sandbox.adopt.fake_account import attributes, original

MODULE: Final = Path(__file__).with_name("module")
PLUGIN_DIR: Final = "TERRAFORM_PLUGIN_DIR"
"""Names a folder with the AWS provider, for a machine that cannot reach Terraform's registry."""


def apply(folder: Path, variables: Mapping[str, str]) -> bool:
    """Apply the module in *folder*; False if this machine has no Terraform with its provider."""
    if not shutil.which("terraform", path=variables["PATH"]):
        return False
    shutil.copytree(MODULE, folder, dirs_exist_ok=True)
    for policy in attributes(original(), "aws_iam_policy"):
        (folder / f"{policy['name']}.json").write_text(policy["policy"])
    plugins = os.environ.get(PLUGIN_DIR)
    init = _terraform(folder, variables, "init", *([f"-plugin-dir={plugins}"] if plugins else []))
    if init.returncode:
        shutil.rmtree(folder)
        return False
    applied = _terraform(folder, variables, "apply", "-auto-approve")
    assert applied.returncode == 0, applied.stderr
    return True


def _terraform(
    folder: Path, variables: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments, "-input=false", "-no-color"],
        env={**variables, "CHECKPOINT_DISABLE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
