"""The helpers beside the tests are imported by bare names; the proof's result in one line."""

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
TALLY = "adoption"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Sum what the variants came to, in whichever worker each ran, the failed ones too."""
    total = Counter[str]()
    for name in ("passed", "failed"):
        for report in terminalreporter.getreports(name):
            for key, did in getattr(report, "user_properties", []):
                if key == TALLY and report.when == "call":
                    total.update(did)
    if total:
        terminalreporter.write_line(
            f"adoption: {total['variants']} variants of state, {total['replaced']} resources "
            f"replaced, {total['deleted']} deleted, {total['changed ids']} changed ids, "
            f"{total['updated']} updated in place with a reason"
        )
