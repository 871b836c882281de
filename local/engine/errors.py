class EngineError(Exception):
    """The engine cannot be had; one line that says why and what to do."""
