"""Run the program with mutants applied.

A stack transformation of Pulumi applies them, so the program's own files run unchanged.
"""

import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi

from tests.policies.mutation.mutant import Mutant, Program


def run(mutants: Sequence[Mutant], repository: Path) -> None:
    """Run the program, with these mutants.

    Raises:
        pulumi.RunError: a mutant no longer fits the program, so it changed nothing.
    """
    program = Program()
    changing = [mutant for mutant in mutants if mutant.type]

    def transform(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        """Record the resource, and apply the mutants of its type."""
        key = (args.type_, args.name)
        program.resources[key] = args.resource
        program.parents[key] = args.opts.parent
        options = args.opts
        for mutant in [*changing]:
            if mutant.type != args.type_ or mutant.name not in ("", args.name):
                continue
            changing.remove(mutant)  # a mutant changes only the first matching resource
            props: Any = args.props
            if mutant.values is not None:
                mutant.values(props if isinstance(props, dict) else vars(props))
            options_of_mutant = pulumi.ResourceOptions(**(mutant.options or {}))
            options = pulumi.ResourceOptions.merge(options, options_of_mutant)
        return pulumi.ResourceTransformationResult(args.props, options)

    pulumi.runtime.register_stack_transformation(transform)
    runpy.run_path(str(repository / "__main__.py"), run_name="__main__")
    for mutant in mutants:
        if mutant.adds is not None:
            mutant.adds(program)
    if changing:
        raise pulumi.RunError("a mutant changed nothing; adapt it to the program")
