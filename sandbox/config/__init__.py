"""Show the configuration that the service reads, and its schema."""
