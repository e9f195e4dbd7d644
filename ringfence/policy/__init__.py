"""The policy decision point: bundles of Cedar, checked, and compiled to a complete decision table.

Pure, but for ``bundle.load``, which reads the folder."""
