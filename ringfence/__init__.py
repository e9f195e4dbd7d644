"""What every stage shares: the grammar, the register, the law, the evidence, Kafka and the loop."""
