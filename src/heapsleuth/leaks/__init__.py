"""From heap graphs to causes: growth, holders, candidates, evidence, findings."""
