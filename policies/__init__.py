"""The guard rails: a policy pack that stops updates that would weaken the isolation."""
