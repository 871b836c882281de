"""Show what the sandboxes cost, by user."""
