"""An AWS that shows new resources late and throttles some calls.

IAM and EC2 answer from copies of their data, which get a change within seconds. So the next answer
may lack a resource that was just created:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
"""
