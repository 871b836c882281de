"""Start ministack with the operations that it lacks; each answers with an empty list.

It runs with the Python of ministack's own environment, so it imports nothing of this project.
"""

import sys
from importlib import import_module
from typing import Any, Final

EC2: Final = {"DescribeTransitGatewayVpcAttachments": "transitGatewayVpcAttachments"}
"""The element of the list in the answer of each missing EC2 operation."""
IAM: Final = {
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    "ListSigningCertificates": "Certificates",
}
"""The same for IAM."""


IGNORED_FILTER: Final = "ip-permission.group-id"
"""A filter of DescribeSecurityGroups that ministack ignores: it would answer with every group."""


def _serve() -> None:
    ec2: Any = import_module("ministack.services.ec2")
    iam: Any = import_module("ministack.services.iam")
    describe = ec2._describe_security_groups  # noqa: SLF001 - ministack is changed from within
    none = ec2._xml(200, "DescribeSecurityGroupsResponse", "<securityGroupInfo/>")  # noqa: SLF001 - the same

    def groups(parameters: Any) -> Any:  # noqa: ANN401 - ministack ships no types
        return none if IGNORED_FILTER in str(parameters) else describe(parameters)

    ec2._ACTION_MAP["DescribeSecurityGroups"] = groups  # noqa: SLF001 - the same
    for operation, entries in EC2.items():
        _add(ec2._ACTION_MAP, operation, ec2._xml(200, f"{operation}Response", f"<{entries}/>"))  # noqa: SLF001 - the same
    for operation, entries in IAM.items():
        body = f"<{operation}Result><{entries}/></{operation}Result>"
        _add(iam._IAM_HANDLERS, operation, iam._xml(200, f"{operation}Response", body, ns="iam"))  # noqa: SLF001 - the same
    import_module("ministack.app").main()


def _add(handlers: Any, operation: str, answer: Any) -> None:  # noqa: ANN401 - ministack ships no types
    def handler(_: Any) -> Any:  # noqa: ANN401 - the same
        return answer

    handlers[operation] = handler


if __name__ == "__main__":
    sys.exit(_serve())
