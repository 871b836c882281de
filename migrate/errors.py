"""What stops an adoption."""


class MigrationError(Exception):
    """One line for the user: where, what was given, what is wrong, what to do."""
