"""Against a real schema registry: make registry."""
