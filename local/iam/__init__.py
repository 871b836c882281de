"""IAM's decisions: the one evaluator of the project, and the service authorization reference.

The emulated AWS judges calls with it, and the tests judge the policy documents with it. The tests
compare it with @cloud-copilot/iam-simulate, which is not used here: it needs Node, a process that
takes half a second for each call, and it knows neither the account nor `ec2:RoleDelivery`.
"""
