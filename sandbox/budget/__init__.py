"""Show the stack's budget, and lift its spending stop."""
