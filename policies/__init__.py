"""The guard rails: a CrossGuard pack that stops an update which would open the sandbox."""
