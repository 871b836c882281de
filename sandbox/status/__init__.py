"""Show a stack at a glance."""
