"""The demo: every part as a process of its own, one screen, one summary, books that must balance."""
