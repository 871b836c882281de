"""The machine image: built, verified, sealed and taken by `python -m ami build`."""
