"""`sandbox image` in a process of its own, with the one seam set.

    python -m tests.ami.command MACHINES ARGUMENTS…

Addresses of the emulated account lead to the machines of the tests, whose roots lie in MACHINES.
Everything else is as in production: options, limits, the Pulumi engine, what is shown.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from ami import build
from sandbox.image import commands as cli
from tests.ami import machines, world


def main() -> int:
    folder = Path(sys.argv.pop(1))
    seam = machines.Machines(world.client(os.environ["AWS_ENDPOINT_URL"]), folder)
    setattr(build, "Tools", partial(build.Tools, dial=seam.dial))  # noqa: B010 - the seam
    try:
        return cli.main()
    finally:
        seam.end()


if __name__ == "__main__":
    sys.exit(main())
