"""The permissions of each identity as pure data: one function per statement, without Pulumi or AWS.

A function's name is the statement's Sid. Its docstring is the sentence in docs/permissions.md and
in `sandbox/permissions/contract/`; a denial begins with "Deny".
"""
