"""The load test: offers reads on an open loop, and says whether the pipeline held."""
