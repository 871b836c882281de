"""The cost of the policy pack: the same preview with it and without it, in turns."""

from typing import Final

from local.bench.programs import ROOT, ProgramCopy

ROUNDS: Final = 5
GOAL: Final = 1.5
"""The most that a preview with the pack may take, in previews without it."""
GUARDED: Final = ("--policy-pack", str(ROOT / "policies"))


def previews(program: ProgramCopy) -> list[tuple[float, float]]:
    """Seconds of a preview without a change, guarded and not."""
    plain = ("preview", "--expect-no-changes")
    return [(program.timed(*plain, *GUARDED), program.timed(*plain)) for _ in range(ROUNDS)]
