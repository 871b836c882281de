"""All that concerns running the program on one machine: engine, emulated AWS, commands.

The program knows nothing of this folder: deleted, it leaves `pulumi up` for real accounts as it is.
"""
