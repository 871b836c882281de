"""The `sandbox` command, and `python -m sandbox`."""

import os
import signal
import sys


def main() -> None:
    """Run the command of `sys.argv`; Ctrl-C ends it in one line while its code still loads."""
    try:
        from sandbox import cli  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
        os._exit(128 + signal.SIGINT)  # nothing is running that would have to end
    cli.main()


if __name__ == "__main__":
    main()
