"""Claims about all requests, proven by an SMT solver against the policy documents."""
