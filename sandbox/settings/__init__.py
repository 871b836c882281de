"""Show, set and unset the settings of a stack."""
