"""The same simulated day under several regimes, by the gate's own decisions: what each lets through, and of whom."""
