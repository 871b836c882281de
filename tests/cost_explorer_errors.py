"""AWS's refusals to list cost allocation tags; see local/moto_patches/cost_tags."""

from typing import Final

LINKED_ACCOUNT: Final = "Linked account doesn't have access to cost allocation tags."
NOT_ENABLED: Final = "User not enabled for cost explorer access"
