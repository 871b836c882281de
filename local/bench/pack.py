"""What the policy pack costs: the same preview with it and without it, in turns."""

from typing import Final

from local.bench.copies import ROOT, Program

ROUNDS: Final = 5
GOAL: Final = 1.5
"""What a guarded preview may cost, in previews without the pack."""
GUARDED: Final = ("--policy-pack", str(ROOT / "policies"))


def previews(program: Program) -> list[tuple[float, float]]:
    """Seconds of a preview without a change, guarded and not."""
    plain = ("preview", "--expect-no-changes")
    return [(program.timed(*plain, *GUARDED), program.timed(*plain)) for _ in range(ROUNDS)]
