"""Adopt a running environment of the replaced Terraform module, without changing it."""
