"""The engine: Pulumi's command, its Python host and the AWS provider.

`ensure()` takes the first that is available: a recent `pulumi` on PATH; the vendor's download, if
its site answers within seconds; a build from the Go module proxy. One cache per user keeps the
result for later runs and other clones. The user's own ~/.pulumi is neither read nor changed.
"""

from local.engine.choice import Engine, ensure
from local.engine.errors import EngineError
from local.engine.paths import cache

__all__ = ["Engine", "EngineError", "cache", "ensure"]
