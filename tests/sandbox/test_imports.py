"""`sandbox --help` is fast because no command's libraries are loaded before the command runs."""

import subprocess
import sys

SLOW = {"boto3", "botocore", "pulumi", "asyncssh", "pydantic"}


def test_the_command_line_loads_no_library_of_a_command() -> None:
    program = "import sys, sandbox.cli; print(*sys.modules)"
    completed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(completed.stdout.split()) & SLOW == set()
