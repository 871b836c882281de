"""The permissions' contract: its table, asked of a real account, and printed as documentation."""
