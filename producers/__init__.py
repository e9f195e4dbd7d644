"""Simulated cameras: a seeded world, what its cameras make of it, and how they send that to Kafka."""
