"""The program that `pulumi up` runs: settings → context → components → outputs."""
