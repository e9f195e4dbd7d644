"""The police console: reads what was disclosed, and nothing else."""
