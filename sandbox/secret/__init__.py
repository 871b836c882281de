"""Render the manager's access key as a Kubernetes secret."""
