"""The permissions of the emulated AWS: who calls, what the call needs, and what IAM decides.

moto checks no permissions, or only actions. Here the policies that are deployed at that moment
decide on each call with an access key of the emulated account. A call with any other key, such as
the local stack's `local`, is the operator's and needs no permission.
"""
