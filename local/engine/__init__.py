"""The engine: Pulumi's command, its Python host and the AWS provider, found, fetched or built.

`ensure()` takes the first of: a recent `pulumi` on PATH; the vendor's download, if its site answers
within seconds; a build from the Go module proxy. The result lies in one cache per user, where later
runs and other clones find it. The user's own ~/.pulumi is never touched.
"""

from local.engine.choice import Engine, ensure
from local.engine.errors import EngineError
from local.engine.paths import cache

__all__ = ["Engine", "EngineError", "cache", "ensure"]
