"""The token issuers of two fictitious clusters."""

from typing import Final

OIDC_ISSUER: Final = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
OTHER_OIDC_ISSUER: Final = OIDC_ISSUER.replace("0123", "3210")
