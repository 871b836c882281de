"""The engine's own error."""


class EngineError(Exception):
    """No engine is available; the text is one line that says why and what to do."""
