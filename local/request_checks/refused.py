"""The error with which AWS refuses a request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """AWS's error for a request."""

    code: str
    message: str
    status: int = 400
