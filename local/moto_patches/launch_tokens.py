"""RunInstances answers a known ClientToken with the same instances.

moto 5.2.5 ignores the token, so a repeated request launches a second instance.
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from moto.core.responses import ActionResult
from moto.ec2.responses.instances import InstanceResponse


def install() -> None:
    original = InstanceResponse.run_instances

    def run_instances(self: InstanceResponse) -> ActionResult:
        token = self._get_param("ClientToken")
        if not token or self._get_param("DryRun"):
            return original(self)
        seen = self.ec2_backend.__dict__.setdefault("launches_by_token", {})
        if token not in seen:
            seen[token] = original(self)
        return seen[token]

    InstanceResponse.run_instances = run_instances
