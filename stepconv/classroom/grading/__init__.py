"""Grading: marks with a reason for each part, and what the class got wrong."""
