"""The guard rails: a CrossGuard pack that stops updates which would weaken the isolation."""
