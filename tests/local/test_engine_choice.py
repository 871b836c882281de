"""The choice of an engine, and the agreement of its pins with the lock file and the Go modules."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from local.engine import (
    choice,
    paths,
    pins,
    provider_bridge,
    provider_sources,
    pulumi_command,
    vendor,
)

ROOT = Path(__file__).parents[2]
SOURCE = paths.SOURCE


def a_pulumi(folder: Path, says: str, *, host: bool = True) -> Path:
    folder.mkdir()
    (folder / "pulumi").write_text(f"#!/bin/sh\necho {says}\n")
    (folder / "pulumi").chmod(0o755)
    if host:
        (folder / "pulumi-language-python").write_text("#!/bin/sh\n")
        (folder / "pulumi-language-python").chmod(0o755)
    return folder / "pulumi"


@pytest.mark.parametrize(
    ("says", "host", "taken"),
    [
        ("v3.220.0", True, True),
        ("3.231.0", True, True),
        ("v4.0.1-alpha.2", True, True),
        ("v3.219.9", True, False),
        ("v3.231.0", False, False),
        ("nonsense", True, False),
    ],
)
def test_a_pulumi_on_path_is_taken_if_it_is_new_enough_and_has_its_host(
    says: str, *, host: bool, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = a_pulumi(tmp_path / "bin", says, host=host)
    monkeypatch.setenv("PATH", f"{command.parent}:/bin:/usr/bin")
    assert choice.on_path(tmp_path / "cache") == (command if taken else None)


def test_our_own_engine_on_path_is_not_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = a_pulumi(tmp_path / "engine", "v3.231.0")
    monkeypatch.setenv("PATH", str(command.parent))
    assert choice.on_path(tmp_path) is None


def test_a_site_that_does_not_answer_is_given_up_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vendor, "SITE", "http://127.0.0.1:1/")
    assert not vendor.reachable()


@pytest.mark.parametrize("given", ["", "relative/folder"])
def test_a_useless_xdg_cache_home_means_the_default(
    given: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.cache() == tmp_path / ".cache" / "sandbox-pulumi"


def test_another_line_in_a_source_means_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "SOURCE", tmp_path)
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "go.mod").write_text("one")
    before = paths.fingerprint("cli")
    (tmp_path / "cli" / "go.mod").write_text("two")
    assert paths.fingerprint("cli") != before


def test_the_pins_are_those_of_the_go_modules_and_of_the_project() -> None:
    assert modules("cli")[pulumi_command.MODULE] == f"v{pins.CLI}"
    assert modules("host")["github.com/pulumi/pulumi/sdk/v3"] == f"v{pins.CLI}"
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    oldest = ".".join(map(str, pins.OLDEST))
    assert project["requiredPulumiVersion"] == f">={oldest}"


@pytest.mark.parametrize(
    ("folder", "copied"),
    [
        ("cli", pulumi_command.MODULE),
        ("provider", provider_bridge.MODULE),
        ("provider", provider_sources.MODULE),
    ],
)
def test_what_is_built_from_a_copy_is_checked_against_go_sum(folder: str, copied: str) -> None:
    version = modules(folder)[copied]
    assert f"{copied} {version} h1:" in (SOURCE / folder / "go.sum").read_text()


def modules(folder: str) -> dict[str, str]:
    text = (SOURCE / folder / "go.mod").read_text()
    return dict(re.findall(r"^(?:\t|require )(\S+) (v\S+)", text, re.MULTILINE))


@pytest.mark.parametrize(("folder", "shared"), [("host", 90), ("provider", 90)])
def test_the_parts_share_their_libraries_so_each_is_compiled_once(folder: str, shared: int) -> None:
    part, cli = modules(folder), modules("cli")
    names = part.keys() & cli.keys()
    assert {name for name in names if part[name] != cli[name]} == set()
    assert len(names) > shared


def mappings() -> list[tuple[str, str]]:
    text = (SOURCE / "provider" / "mappings.go").read_text()
    return re.findall(r'^\t"(aws_\w+)": +"(aws:[^"]+)",$', text, re.MULTILINE)


def test_every_mapped_token_is_one_of_pulumi_aws() -> None:
    spec = find_spec("pulumi_aws")  # an import would take seconds
    assert spec is not None
    package = Path(spec.origin or "").parent
    tokens = {
        token
        for folder in ("", *{token.split(":")[1].split("/")[0] for _, token in mappings()})
        for file in (package / folder).glob("*.py")
        for token in re.findall(r"'(aws:[\w/]+:\w+)'", file.read_text())
    }
    named = [token for _, token in mappings()]
    assert len(named) > 60
    assert [token for token in named if token not in tokens] == []
    assert len(set(named)) == len(named)


GENERATED = """\
import (
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
)

func (c *AWSClient) EC2Client(ctx context.Context) *ec2.Client {
	return errs.Must(client[*ec2.Client](ctx, c, names.EC2, make(map[string]any)))
}

func (c *AWSClient) EKSClient(ctx context.Context) *eks.Client {
	return errs.Must(client[*eks.Client](ctx, c, names.EKS, make(map[string]any)))
}

func (c *AWSClient) IAMClient(ctx context.Context) *iam.Client {
	return errs.Must(client[*iam.Client](ctx, c, names.IAM, make(map[string]any)))
}
"""
PACKAGES = """\
	"github.com/hashicorp/terraform-provider-aws/internal/conns"
	"github.com/hashicorp/terraform-provider-aws/internal/service/eks"
	"github.com/hashicorp/terraform-provider-aws/internal/service/logs"
		eks.ServicePackage(ctx),
		logs.ServicePackage(ctx),
"""


def test_the_copy_of_the_provider_names_only_our_services(tmp_path: Path) -> None:
    module, copied = tmp_path / "module", tmp_path / "copied"
    for name, text in {
        "internal/conns/awsclient_gen.go": GENERATED,
        "internal/provider/sdkv2/service_packages_gen.go": PACKAGES,
        "internal/embed.go": "//go:embed service/smarterr.hcl\n//go:embed service/*/smarterr.hcl\n",
        "internal/service/smarterr.hcl": "",
        "internal/service/ec2/vpc_.go": "package ec2",
        "internal/service/ec2/vpc_test.go": "package ec2",
        "internal/service/ec2/sweep.go": "package ec2",
        "internal/service/eks/cluster.go": "package eks",
        "names/names.go": "package names",
        "version/version.go": "package version",
        "go.mod": "\tgithub.com/aws/aws-sdk-go-v2/service/eks v1\n\tgithub.com/x/y v1\n",
        "go.sum": "",
        "LICENSE": "",
    }.items():
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(text)
        (module / name).chmod(0o444)
    provider_sources.copy(module, copied)
    clients = (copied / "internal/conns/awsclient_gen.go").read_text()
    assert "eks" not in clients.lower()
    assert clients.count("func (c *AWSClient)") == 2
    packages = (copied / "internal/provider/sdkv2/service_packages_gen.go").read_text()
    assert "eks" not in packages
    assert packages.count("logs") == 2
    assert "service/*" not in (copied / "internal/embed.go").read_text()
    assert sorted(p.name for p in (copied / "internal/service").rglob("*") if p.is_file()) == [
        "smarterr.hcl",
        "vpc_.go",
    ]
    assert (copied / "go.mod").read_text() == "\tgithub.com/x/y v1\n"


def test_the_copy_of_the_bridge_has_no_generator(tmp_path: Path) -> None:
    module, copied = tmp_path / "module", tmp_path / "copied"
    kept = ["internal/logging/log.go", "pkg/pf/tfbridge/main.go", "unstable/metadata/metadata.go"]
    left = [
        "pkg/pf/tfbridge/provider_mux.go",
        "pkg/pf/tfgen/gen.go",
        "pkg/tf2pulumi/convert/convert.go",
        "pkg/tfgen/generate.go",
        "pkg/pf/tfbridge/main_test.go",
        "pkg/pf/tests/schemas.go",
        "docs/guide.md",
    ]
    for name in [*kept, *left, "go.mod", "go.sum", "LICENSE"]:
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text("package any")
        (module / name).chmod(0o444)
    provider_bridge.copy(module, copied)
    files = {str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()}
    assert files == {*kept, "go.mod", "go.sum", "LICENSE"}
    assert all((copied / name).stat().st_mode & 0o200 for name in files)


STORAGE = """\
import (
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"  // driver for azblob://
	_ "gocloud.dev/blob/fileblob" // driver for file://
	"gocloud.dev/blob/gcsblob"    // driver for gs://
	_ "gocloud.dev/blob/s3blob"   // driver for s3://

	"github.com/pulumi/pulumi/pkg/v3/authhelpers"
	_ "github.com/pulumi/pulumi/pkg/v3/backend/diy/postgres" // driver for postgres://
)

	if p.Scheme == gcsblob.Scheme {
		if err != nil {
			return nil, err
		}
	}

	bucket, err := blobmux.OpenBucket(ctx, u)
"""
KEYS = """\
	_ "gocloud.dev/secrets/awskms"        // support for awskms://
	_ "gocloud.dev/secrets/azurekeyvault" // support for azurekeyvault://
	"gocloud.dev/secrets/gcpkms"          // support for gcpkms://
	"google.golang.org/api/cloudkms/v1"

	switch u.Scheme {
	case gcpkms.Scheme:
		return opener.OpenKeeperURL(ctx, u)
	default:
		return gosecrets.OpenKeeper(ctx, url)
	}
"""


def test_the_copy_of_the_command_keeps_files_s3_and_kms_only(tmp_path: Path) -> None:
    module, copied = tmp_path / "module", tmp_path / "copied"
    for name, text in {
        "authhelpers/gcpauth.go": "package authhelpers",
        "backend/diy/backend.go": STORAGE,
        "backend/diy/postgres/bucket.go": "package postgres",
        "cloudsetup/common/cloudsetup.go": "package cloudsetup",
        "cmd/esc/cli/env.go": "\tcmd.AddCommand(newEnvGetCmd(env))\n"
        "\tcmd.AddCommand(newEnvSetupCmd(env))\n",
        "cmd/esc/cli/setup_gcp.go": "package cli",
        "engine/testdata/huge.json": "{}",
        "secrets/cloud/manager.go": KEYS,
        "go.mod": "module x\n",
        "go.sum": "",
        "LICENSE": "",
    }.items():
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(text)
    pulumi_command.copy(module, copied)
    storage = (copied / "backend/diy/backend.go").read_text()
    assert re.findall(r'"(gocloud\S+|github\S+)"', storage) == [
        "gocloud.dev/blob",
        "gocloud.dev/blob/fileblob",
        "gocloud.dev/blob/s3blob",
    ]
    assert "Scheme" not in storage
    assert "OpenBucket" in storage
    keys = (copied / "secrets/cloud/manager.go").read_text()
    assert re.findall(r'"(\S+)"', keys) == ["gocloud.dev/secrets/awskms"]
    assert "gcpkms" not in keys
    assert "default:" in keys
    assert "Setup" not in (copied / "cmd/esc/cli/env.go").read_text()
    assert sorted(str(p.relative_to(copied)) for p in copied.rglob("*.*") if p.is_file()) == [
        "backend/diy/backend.go",
        "cmd/esc/cli/env.go",
        "go.mod",
        "go.sum",
        "secrets/cloud/manager.go",
    ]
