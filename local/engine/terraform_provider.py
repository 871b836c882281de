"""The AWS provider as a plugin of Terraform, from the sources and services of Pulumi's plugin.

So a comparison of Pulumi with Terraform compares these two, and not two providers. The whole
provider starts a second later than one with eight of its 260 services.
"""

import platform
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final

from local.engine import build, go, module_copies, provider_sources
from local.engine.lock import held
from local.engine.paths import SOURCE, cache, fingerprint

_ADDRESS: Final = Path("registry.terraform.io/hashicorp/aws")
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def ensure() -> Path:
    """A folder for `filesystem_mirror` in Terraform's configuration; build it if it is missing.

    Raises:
        EngineError: the build is not possible on this machine.
    """
    digest = sha256(Path(__file__).read_bytes() + fingerprint("provider").encode()).hexdigest()
    home = cache() / f"terraform-provider-{digest[:12]}"
    if not home.exists():
        with held(cache()):
            if not home.exists():
                _build(home)
    return home


def _build(home: Path) -> None:
    work = cache() / "work"
    work.mkdir(exist_ok=True)
    tool = go.Go(go.find(cache()), work)
    module = build.module(tool, SOURCE / "provider", provider_sources.MODULE)
    target = work / "terraform-provider"
    shutil.rmtree(target, ignore_errors=True)
    module_copies.sources(
        module,
        target,
        provider_sources.FOLDERS,
        lambda folder, name: provider_sources.left_out(folder, name, provider_sources.SERVICES),
    )
    provider_sources.keep_only(target, provider_sources.SERVICES, provider_sources.SDKS)
    shutil.copyfile(module / "main.go", target / "main.go")
    partial = home.with_name("terraform-provider.partial")
    shutil.rmtree(partial, ignore_errors=True)
    system = f"{platform.system().lower()}_{_ARCHITECTURES[platform.machine()]}"
    version = (module / "version" / "VERSION").read_text().strip()
    program = partial / _ADDRESS / version / system / f"terraform-provider-aws_v{version}"
    program.parent.mkdir(parents=True)
    tool.build(target, ".", to=program, link="", title="the AWS provider for Terraform")
    partial.rename(home)
    shutil.rmtree(work)
