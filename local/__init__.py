"""Everything for running the program on one machine: engine, emulated AWS, commands.

The program does not use this folder: without it, `pulumi up` works on real accounts as before.
"""
