"""An AWS that is slow to show what it made, and that limits calls now and then.

IAM and EC2 answer from copies of their data, which learn of a change within seconds. So what was
just made can be missing in the next answer:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
"""
