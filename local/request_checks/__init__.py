"""Check whether AWS would accept a request, whoever sends it.

`service_model` checks it against AWS's published model, `limits` against limits that only AWS's
documentation states.
"""
