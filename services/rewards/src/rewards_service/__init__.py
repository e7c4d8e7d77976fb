"""Tasks, proofs, reviews and the points ledger."""
