"""The AWS provider as a plugin of Terraform, from the sources and services of Pulumi's plugin.

So a comparison of Pulumi with Terraform compares these two, and not two providers. The whole
provider starts a second later than one with eight of its 260 services.
"""

import platform
import shutil
from pathlib import Path
from typing import Final

from local.engine import build, go, module_copies, provider_sources

_ADDRESS: Final = Path("registry.terraform.io/hashicorp/aws")
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def ensure() -> Path:
    """A folder for `filesystem_mirror` in Terraform's configuration; build it if it is missing.

    Raises:
        EngineError: the build is not possible on this machine.
    """
    return build.from_provider("terraform-provider", Path(__file__), _compile)


def _compile(tool: go.Go, module: Path, target: Path, partial: Path) -> None:
    module_copies.sources(
        module,
        target,
        provider_sources.FOLDERS,
        lambda folder, name: provider_sources.left_out(folder, name, provider_sources.SERVICES),
    )
    provider_sources.keep_only(target, provider_sources.SERVICES, provider_sources.SDKS)
    shutil.copyfile(module / "main.go", target / "main.go")
    system = f"{platform.system().lower()}_{_ARCHITECTURES[platform.machine()]}"
    version = (module / "version" / "VERSION").read_text().strip()
    program = partial / _ADDRESS / version / system / f"terraform-provider-aws_v{version}"
    program.parent.mkdir(parents=True)
    tool.build(target, ".", to=program, link="", title="the AWS provider for Terraform")
