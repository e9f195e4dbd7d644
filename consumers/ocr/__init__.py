"""The OCR stage: finds the plate in a frame, reads it, and says how sure it is."""
