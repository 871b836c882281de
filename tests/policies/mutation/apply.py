"""Run the program with one mutant applied.

The mutants are applied from outside, with what Pulumi offers for that: the program's own files are
run as they are.
"""

import runpy
from pathlib import Path
from typing import Any

import pulumi

from tests.policies.mutation.mutants import Mutant, Program


def run(mutant: Mutant | None, repository: Path) -> None:
    """Run the program as it is, or with one change.

    Raises:
        pulumi.RunError: the mutant changes nothing, since it no longer fits the program.
    """
    program = Program()
    changed: list[str] = []

    def watch(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        """Remember what is registered, and change what the mutant changes."""
        key = (args.type_, args.name)
        program.made[key] = args.resource
        program.parents[key] = args.opts.parent
        if mutant is None or mutant.kind != args.type_ or mutant.name not in ("", args.name):
            return None
        if changed:
            return None  # the first of its type only: one change
        changed.append(args.name)
        props: Any = args.props
        if mutant.values is not None:
            mutant.values(props if isinstance(props, dict) else vars(props))
        more = pulumi.ResourceOptions(**(mutant.options or {}))
        options = pulumi.ResourceOptions.merge(args.opts, more)
        return pulumi.ResourceTransformationResult(args.props, options)

    pulumi.runtime.register_stack_transformation(watch)
    runpy.run_path(str(repository / "__main__.py"), run_name="__main__")
    if mutant is not None and mutant.adds is not None:
        mutant.adds(program)
    elif mutant is not None and not changed and not mutant.config:
        raise pulumi.RunError("the mutant changed nothing: it no longer fits the program")
