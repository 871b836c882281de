"""Mutants that can share a preview, since each breaks rules that no other of them breaks."""

from collections.abc import Mapping

from tests.policies.mutation.mutants import Mutant


def groups(mutants: Mapping[str, Mutant]) -> list[list[str]]:
    """Every mutant once, in few groups; those that are `alone` in one of their own."""
    together: list[list[str]] = []
    for name, mutant in mutants.items():
        fitting = (
            group for group in together if all(_agree(mutant, mutants[one]) for one in group)
        )
        group = next(fitting, None)
        if group is None:
            together.append([name])
        else:
            group.append(name)
    return together


def _agree(one: Mutant, other: Mutant) -> bool:
    return (
        not (one.alone or other.alone)
        and one.fresh == other.fresh
        and one.rule not in (other.rule, *other.also)
        and other.rule not in one.also
    )
