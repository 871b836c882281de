"""What a stack's operators hand to the service: its secret, key rotations, costs, status, picture.

``python -m handover --help`` lists the commands.
"""
