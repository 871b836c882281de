"""Whether a request is one that AWS would accept, whoever sends it.

`model` holds it against AWS's published service model, `limits` against what only AWS's
documentation says.
"""
