"""Oversight: follows the evidence and checks that it is whole."""
