"""Find and remove the resources that a build left, until none is found.

A call can take effect although its answer is lost, so ids are not enough: the sweep searches each
kind of resource by the build's tag or unique name. EC2's lists may be out of date, so after a fault
the sweep ends only after several consecutive empty searches.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ami import build_resources
from ami.aws_calls import AWS_ERRORS
from ami.build_resources import BuildResource, Search
from ami.errors import LeftoverError
from infra.aws_clients import error_reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import timedelta

    from ami.build_resources import Kind
    from ami.limits import Limits
    from infra.aws_clients import AwsClients

Say = Callable[[str], None]


def sweep(  # noqa: PLR0913 - each is one independent fact of the search
    aws: AwsClients,
    search: Search,
    *,
    limits: Limits,
    say: Say,
    known: Collection[BuildResource] = (),
    keep_ids: Collection[str] = (),
    keep: Callable[[BuildResource], bool] = lambda _: False,
    empty_sweeps_required: int | None = None,
    kinds: Collection[Kind] = tuple(build_resources.FINDERS),
) -> list[BuildResource]:
    """Remove the *known* resources and those of *kinds* that *search* finds; return what is left.

    Resources in *keep_ids* and those for which *keep* answers true are not touched. The sweep ends
    after at most `limits.sweep` seconds.
    """
    required = (
        limits.empty_sweeps_required if empty_sweeps_required is None else empty_sweeps_required
    )
    end = time.monotonic() + limits.sweep
    pending = {resource.id: resource for resource in known if resource.id not in keep_ids}
    empty_sweeps = 0
    left: dict[str, BuildResource] = {}
    reported: set[str] = set()

    def report_once(resource: BuildResource, text: str) -> None:
        if resource.id not in reported:
            reported.add(resource.id)
            say(text)

    while empty_sweeps < required:
        resources, complete = _find(aws, search, say, kinds)
        left = pending | {
            resource.id: resource
            for resource in resources
            if resource.id not in keep_ids and not keep(resource)
        }
        if left or not complete:
            empty_sweeps = 0
        else:
            empty_sweeps += 1
            if empty_sweeps == required:
                return []
        for resource in sorted(left.values(), key=_removal_order):
            if resource.terminating:
                continue
            try:
                build_resources.remove(aws, resource)
                pending.pop(
                    resource.id, None
                )  # its removal was requested once; now wait until no search finds it
                report_once(resource, f"removed {resource}")
            except AWS_ERRORS as error:
                report_once(resource, f"{resource} cannot be removed yet: {error_reason(error)}")
        if time.monotonic() > end:
            break
        time.sleep(limits.sweep_interval)
    return sorted(left.values(), key=_removal_order)


def find(aws: AwsClients, search: Search, say: Say) -> list[BuildResource]:
    """The resources that exist, each once, in the order of removal."""
    return _find(aws, search, say, tuple(build_resources.FINDERS))[0]


def started_before(
    resources: Iterable[BuildResource], *, older_than: timedelta
) -> list[BuildResource]:
    """The resources of builds that started more than *older_than* ago and so have ended."""
    now = datetime.now(UTC)
    return [
        resource
        for resource in resources
        if resource.build_started_at
        and now - datetime.fromisoformat(resource.build_started_at) > older_than
    ]


def clean(aws: AwsClients, build_ids: Iterable[str], *, limits: Limits, say: Say) -> None:
    """Remove everything that these builds left, except finished images.

    Raises:
        LeftoverError: the message has the removal command for each remaining resource.
    """
    left = [
        resource
        for build_id in sorted(build_ids)
        for resource in sweep(
            aws,
            Search(build_id),
            limits=limits,
            say=say,
            keep=lambda resource: resource.finished,
        )
    ]
    if left:
        raise LeftoverError("\n".join(["left behind:", *removal_commands(left, aws.region)]))


def removal_commands(resources: Iterable[BuildResource], region: str) -> list[str]:
    """One line for each resource, with the command that removes it by hand."""
    return [f"  {resource}: {resource.command(region)}" for resource in resources]


def _find(
    aws: AwsClients, search: Search, say: Say, kinds: Collection[Kind]
) -> tuple[list[BuildResource], bool]:
    """The resources, and whether every kind could be listed; a failed listing stops no other."""
    resources: dict[str, BuildResource] = {}
    complete = True
    for kind, finder in build_resources.FINDERS.items():
        if kind not in kinds:
            continue
        try:
            for resource in finder(aws, search):
                resources.setdefault(resource.id, resource)
        except AWS_ERRORS as error:
            complete = False
            say(f"{kind}s cannot be listed now: {error_reason(error)}")
    return sorted(resources.values(), key=_removal_order), complete


def _removal_order(resource: BuildResource) -> int:
    return list(build_resources.FINDERS).index(resource.kind)
