"""Wildcards in the filters of DescribeInstances. moto 5.2.5 takes them literally.

In moto, `instance-type=g*` finds nothing.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
"""

import re
from typing import Any

from moto.ec2 import utils


def install() -> None:
    original = utils.instance_value_in_filter_values

    def matches(instance_value: Any, filter_values: Any) -> bool:
        if not isinstance(instance_value, str):
            return original(instance_value, filter_values)
        return any(
            re.match(utils.simple_aws_filter_to_re(pattern), instance_value)
            for pattern in filter_values
        )

    utils.instance_value_in_filter_values = matches
