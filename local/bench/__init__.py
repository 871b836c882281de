"""Measurements, each run by hand: python -m local.bench.NAME."""
