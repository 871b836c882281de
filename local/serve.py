"""The emulator's own process: moto with its gaps answered, on 127.0.0.1 and a free port.

`python -m local.serve FOLDER` writes FOLDER/emulator.json once it answers, and serves until it is
told to stop.
"""

import json
import logging
import os
import signal
import sys
from pathlib import Path


def main(folder: Path) -> None:
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 4 times faster to its first call
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - reads the environment at import

    from local import gaps  # noqa: PLC0415 - imports moto

    gaps.install()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    note = folder / "emulator.json"
    draft = note.with_suffix(".draft")
    draft.write_text(json.dumps({"port": port, "pid": os.getpid()}))
    draft.rename(note)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    note.unlink(missing_ok=True)
    server.stop()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(Path(sys.argv[1]))
