"""The command line for operators: one package per job, over the shared `core`.

A job's package holds `commands.py`, which declares its options, and modules that do the work. It
imports `sandbox.core`, `infra`, `sandbox_client` and (image only) `ami`, and no other job's inside.
"""
