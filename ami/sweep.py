"""Look for what a build left, and remove it, until nothing is found any more.

Ids alone are not enough: an answer can be lost after its effect took place. So everything is
looked for by the build's tag or its unique name. One empty answer is not enough either: after a
fault the next answers may be stale. So only some empty rounds in a row end the search.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ami import build_resources as things
from ami.aws import AWS_ERRORS, Aws, reason

if TYPE_CHECKING:
    from collections.abc import Collection

    from ami.build_resources import BuildResource, Kind, Search
    from ami.limits import Limits

Say = Callable[[str], None]


def sweep(  # noqa: PLR0913 - each is one independent fact of the search
    aws: Aws,
    search: Search,
    *,
    limits: Limits,
    say: Say,
    known: Collection[BuildResource] = (),
    keep: Collection[str] = (),
    spare: Callable[[BuildResource], bool] = lambda _: False,
    rounds: int | None = None,
    kinds: Collection[Kind] = tuple(things.FINDERS),
) -> list[BuildResource]:
    """Remove what *search* finds of *kinds* and what is *known*; return what is left.

    Not touched: what is named in *keep*, and what there is a reason to *spare*.
    """
    wanted = limits.quiet_rounds if rounds is None else rounds
    end = time.monotonic() + limits.sweep
    pending = {one.id: one for one in known if one.id not in keep}
    quiet = 0
    left: dict[str, BuildResource] = {}
    told: set[str] = set()

    def once(thing: BuildResource, text: str) -> None:
        if thing.id not in told:
            told.add(thing.id)
            say(text)

    while quiet < wanted:
        found, complete = _find(aws, search, say, kinds)
        left = pending | {one.id: one for one in found if one.id not in keep and not spare(one)}
        if left or not complete:
            quiet = 0
        else:
            quiet += 1
            if quiet == wanted:
                return []
        for thing in sorted(left.values(), key=_order):
            if thing.going:
                continue
            try:
                things.remove(aws, thing)
                pending.pop(thing.id, None)  # by its id it is not asked for again, only searched
                once(thing, f"removed {thing}")
            except AWS_ERRORS as error:
                once(thing, f"{thing} could not be removed at once: {reason(error)}")
        if time.monotonic() > end:
            break
        time.sleep(limits.quiet_pause)
    return sorted(left.values(), key=_order)


def find(aws: Aws, search: Search, say: Say) -> list[BuildResource]:
    """What is there, each once, in the order of removal."""
    return _find(aws, search, say, tuple(things.FINDERS))[0]


def _find(
    aws: Aws, search: Search, say: Say, kinds: Collection[Kind]
) -> tuple[list[BuildResource], bool]:
    """One search of a kind may fail, the others still say what they find."""
    found: dict[str, BuildResource] = {}
    complete = True
    for kind, look in things.FINDERS.items():
        if kind not in kinds:
            continue
        try:
            for thing in look(aws, search):
                found.setdefault(thing.id, thing)
        except AWS_ERRORS as error:
            complete = False
            say(f"{kind}s cannot be listed now: {reason(error)}")
    return sorted(found.values(), key=_order), complete


def _order(thing: BuildResource) -> int:
    return list(things.FINDERS).index(thing.kind)
