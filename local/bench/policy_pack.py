"""The cost of the policy pack: the same preview with and without it, in turns."""

from typing import Final

from local.bench.programs import PREVIEW, ROOT, ProgramCopy

ROUNDS: Final = 2
GOAL: Final = 1.5
"""The longest time of a preview with the pack, as a multiple of one without it."""
GUARDED: Final = ("--policy-pack", str(ROOT / "policies"))


def previews(program: ProgramCopy) -> list[tuple[float, float]]:
    """Seconds of previews without a change, each with the pack and without it."""
    return [(program.timed(*PREVIEW, *GUARDED), program.timed(*PREVIEW)) for _ in range(ROUNDS)]
