"""Mutants that can share a preview: each breaks a rule that no other of them breaks."""

from collections.abc import Mapping

from tests.policies.mutation.program import Mutant


def groups(mutants: Mapping[str, Mutant]) -> list[list[str]]:
    """All mutants, each once, in few groups; a mutant that is `alone` gets its own group."""
    together: list[list[str]] = []
    for name, mutant in mutants.items():
        fitting = (
            group for group in together if all(_agree(mutant, mutants[member]) for member in group)
        )
        group = next(fitting, None)
        if group is None:
            together.append([name])
        else:
            group.append(name)
    return together


def _agree(mutant: Mutant, other: Mutant) -> bool:
    return (
        not (mutant.alone or other.alone)
        and mutant.fresh == other.fresh
        and mutant.rule not in (other.rule, *other.also)
        and other.rule not in mutant.also
    )
