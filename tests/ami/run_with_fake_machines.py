"""`sandbox` in a separate process, with fake build machines.

    python -m tests.ami.run_with_fake_machines FOLDER ARGUMENTS…

Addresses of the emulated account lead to fake machines below FOLDER. Everything else is as in
production: options, limits, the Pulumi engine, output.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from ami import build
from sandbox import cli
from tests.ami import fake_account, fake_machines


def main() -> int:
    folder, *arguments = sys.argv[1:]
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    machines = fake_machines.FakeMachines(fake_account.client(endpoint), Path(folder))
    with_fakes = partial(build.BuildTools, dial=machines.dial)
    setattr(build, "BuildTools", with_fakes)  # noqa: B010 - a class cannot be assigned in types
    try:
        return cli.run(arguments)
    finally:
        machines.remove()


if __name__ == "__main__":
    sys.exit(main())
