"""Groups of mutants that can share a preview: the message for each matches no other one."""

from collections.abc import Mapping

from tests.policies.mutation.mutant import Mutant


def groups(mutants: Mapping[str, Mutant]) -> list[list[str]]:
    """Each mutant in one of few groups; an `alone` mutant gets its own group."""
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
        and mutant.config == other.config
        and (not mutant.type or (mutant.type, mutant.name) != (other.type, other.name))
        and (mutant.rule != other.rule or not _overlap(mutant.says, other.says))
    )


def _overlap(text: str, other: str) -> bool:
    return text in other or other in text
