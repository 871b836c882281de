"""The parts of HashiCorp's provider that its tests need, and the tests of a resource type."""

from pathlib import Path

import pytest

from local.engine import acceptance

SERVICE = "github.com/hashicorp/terraform-provider-aws/internal/service"
SDK = "github.com/aws/aws-sdk-go-v2/service"
FILES = {
    "internal/acctest/acctest.go": f'import "{SERVICE}/ram"\nimport "{SDK}/pinpoint"\n',
    "internal/acctest/arn_test.go": "package acctest",
    "internal/conns/awsclient_gen.go": "".join(
        f'\t"{SDK}/{name}"\n' for name in ("ec2", "eks", "pinpoint", "kms", "lambda")
    ),
    "internal/embed.go": "//go:embed service/*/smarterr.hcl\n",
    "internal/provider/sdkv2/service_packages_gen.go": "".join(
        f"\t\t{name}.ServicePackage(ctx),\n" for name in ("ec2", "eks", "kms", "ram", "s3")
    ),
    "internal/service/ec2/vpc_.go": f'// @SDKResource("aws_vpc", name="VPC")\nimport "{SDK}/ec2"\n',
    "internal/service/ec2/vpc_test.go": f'import "{SERVICE}/kms"\n'
    "func TestAccVPC_basic(t *testing.T) {\nfunc TestVPCUnit(t *testing.T) {\n",
    "internal/service/ec2/vpc_tags_gen_test.go": "func TestAccVPC_tags(t *testing.T) {\n",
    "internal/service/ec2/vpc_endpoint_test.go": "func TestAccVPCEndpoint_basic(t *testing.T) {\n",
    "internal/service/ec2/testdata/VPC/tags/main.tf": "",
    "internal/service/eks/cluster.go": f'import "{SDK}/eks"\n',
    "internal/service/kms/key.go": f'import "{SERVICE}/s3"\nimport "{SDK}/kms"\n',
    "internal/service/kms/key_test.go": "package kms",
    "internal/service/ram/share.go": "package ram",
    "internal/service/s3/bucket.go": "package s3",
    "names/names.go": "package names",
    "version/version.go": "package version",
    "go.mod": f"\t{SDK}/eks v1\n",
    "go.sum": "",
    "LICENSE": "",
}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    module, target = tmp_path / "module", tmp_path / "copied"
    for name, text in FILES.items():
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(text)
    acceptance.copy(module, target)
    return target


def test_the_copy_has_what_the_tests_import_and_what_that_imports(copied: Path) -> None:
    services = {folder.name for folder in (copied / "internal/service").iterdir()}
    assert services == {"ec2", "kms", "ram", "s3"}
    packages = (copied / "internal/provider/sdkv2/service_packages_gen.go").read_text()
    assert "eks" not in packages
    assert packages.count("ServicePackage") == 4
    clients = (copied / "internal/conns/awsclient_gen.go").read_text()
    assert [name for name in ("ec2", "eks", "pinpoint", "kms", "lambda") if name in clients] == [
        "ec2",
        "pinpoint",
        "kms",
    ]
    assert (copied / "go.mod").read_text() == FILES["go.mod"]


def test_only_the_tested_services_keep_their_tests(copied: Path) -> None:
    assert {file.name for file in copied.rglob("*_test.go")} == {
        "vpc_test.go",
        "vpc_tags_gen_test.go",
        "vpc_endpoint_test.go",
    }
    assert (copied / "internal/service/ec2/testdata/VPC/tags/main.tf").exists()


def test_a_type_has_the_tests_of_the_files_beside_its_own(copied: Path) -> None:
    tests = acceptance.tests_of(copied / "internal/service/ec2")
    assert tests == {"aws_vpc": ["TestAccVPC_basic", "TestAccVPC_tags"]}
