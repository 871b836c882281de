"""The `sandbox` command, and `python -m sandbox`."""

import os
import signal
import sys


def main() -> None:
    """Run the command of `sys.argv`; Ctrl-C ends it in one line, also before a command runs."""
    try:
        from sandbox import cli  # noqa: PLC0415 - see above

        cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
        os._exit(128 + signal.SIGINT)  # no command is running: it would have answered itself


if __name__ == "__main__":
    main()
