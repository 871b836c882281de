"""What each identity may do, as pure data: one function per statement, one sentence per function.

A function's name is the statement's Sid and its docstring is the sentence that the documentation
prints, so the three cannot disagree. Nothing here knows of Pulumi or of a real account.
"""
