"""The evidence: decision batches, chained by hash. Pure."""
