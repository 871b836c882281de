"""Run the program with mutants applied.

The mutants are applied from outside, with what Pulumi offers for that: the program's own files are
run as they are.
"""

import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi

from tests.policies.mutation.mutants import Mutant, Program


def run(mutants: Sequence[Mutant], repository: Path) -> None:
    """Run the program as it is, or with such changes.

    Raises:
        pulumi.RunError: a mutant changes nothing, since it no longer fits the program.
    """
    program = Program()
    changing = [one for one in mutants if one.kind]

    def watch(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        """Remember what is registered, and change what the mutants change."""
        key = (args.type_, args.name)
        program.made[key] = args.resource
        program.parents[key] = args.opts.parent
        options = args.opts
        for mutant in [*changing]:
            if mutant.kind != args.type_ or mutant.name not in ("", args.name):
                continue
            changing.remove(mutant)  # the first of its type only: one change
            props: Any = args.props
            if mutant.values is not None:
                mutant.values(props if isinstance(props, dict) else vars(props))
            more = pulumi.ResourceOptions(**(mutant.options or {}))
            options = pulumi.ResourceOptions.merge(options, more)
        return pulumi.ResourceTransformationResult(args.props, options)

    pulumi.runtime.register_stack_transformation(watch)
    runpy.run_path(str(repository / "__main__.py"), run_name="__main__")
    for mutant in mutants:
        if mutant.adds is not None:
            mutant.adds(program)
    if changing:
        raise pulumi.RunError("a mutant changed nothing: it no longer fits the program")
