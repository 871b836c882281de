"""Terraform's configuration for the benchmark, written from a stack's state."""

from local.bench import terraform

URN = "urn:pulumi:bench::sandbox::"
STATE = [
    {
        "urn": f"{URN}pulumi:providers:aws::aws",
        "type": "pulumi:providers:aws",
        "inputs": {"region": "us-east-1", "defaultTags": '{"tags":{"Project":"p"}}'},
        "outputs": {},
    },
    {
        "urn": f"{URN}sandbox:network:Network$aws:ec2/vpc:Vpc::sandbox-vpc",
        "type": "aws:ec2/vpc:Vpc",
        "inputs": {
            "__defaults": [],
            "cidrBlock": "10.0.0.0/16",
            "enableDnsSupport": True,
            "region": "us-east-1",
            "tags": {"Name": "sandbox-vpc"},
            "tagsAll": {"Name": "sandbox-vpc", "Project": "p"},
        },
        "outputs": {"id": "vpc-1", "arn": "arn:vpc-1"},
    },
    {
        "urn": f"{URN}sandbox:network:Network$aws:ec2/routeTable:RouteTable::sandbox-public",
        "type": "aws:ec2/routeTable:RouteTable",
        "inputs": {"vpcId": "vpc-1", "routes": [{"cidrBlock": "${aws:userid}"}]},
        "outputs": {"id": "rtb-1", "arn": "arn:rtb-1"},
    },
]


def test_each_resource_is_written_with_its_inputs_and_its_references() -> None:
    assert terraform.configuration(STATE) == {
        "provider": {"aws": {"default_tags": [{"tags": {"Project": "p"}}]}},
        "resource": {
            "aws_vpc": {
                "sandbox_vpc": {
                    "cidr_block": "10.0.0.0/16",
                    "enable_dns_support": True,
                    "tags": {"Name": "sandbox-vpc"},
                }
            },
            "aws_route_table": {
                "sandbox_public": {
                    "vpc_id": "${aws_vpc.sandbox_vpc.id}",
                    "routes": [{"cidr_block": "$${aws:userid}"}],
                }
            },
        },
    }
