"""`sandbox settings`: show, set and unset the settings of a stack."""
