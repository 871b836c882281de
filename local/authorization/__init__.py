"""The permissions of the emulated AWS: who calls, what the call needs, and what IAM decides.

moto judges nothing, or only by actions. Here a call with an access key of the emulated account is
judged by the policies that are deployed at that moment. Calls with any other key, as the local
stack's own `local`, are the operator's and are not judged.
"""
