"""The models that ship, and how they are made: pictures, training, export, calibration, evaluation."""
