"""IAM's decisions: the project's only evaluator, and the service authorization reference.

The emulated AWS decides on calls with it, and the tests evaluate the policy documents with it. The
tests compare it with @cloud-copilot/iam-simulate. The emulated AWS does not use that one, because
it needs half a second of Node for each call, and knows neither the account nor `ec2:RoleDelivery`.
"""
