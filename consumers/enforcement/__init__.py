"""The gate, or policy enforcement point: decides which form of each record the police may have."""
