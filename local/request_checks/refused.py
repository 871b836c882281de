"""AWS's answer to a request that breaks a rule."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is refused, in AWS's words."""

    code: str
    message: str
    status: int = 400
