"""Evidence: what an estimate is worth."""
