"""List the manager's access keys, and rotate them without a gap."""
