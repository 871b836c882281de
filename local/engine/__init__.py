"""The engine: Pulumi's command, its Python host and the AWS provider, found, fetched or built.

`ensure()` takes the first that it can have: a `pulumi` on PATH that is new enough, the vendor's
download where that is reachable within seconds, else all of it built from the Go module proxy.
What it makes lies in one cache per user, so later runs and other clones find it there. The user's
own ~/.pulumi is never touched.
"""

from local.engine.choice import Engine, ensure
from local.engine.errors import EngineError
from local.engine.paths import cache

__all__ = ["Engine", "EngineError", "cache", "ensure"]
