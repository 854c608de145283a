"""Worksheets: each student's own numbers, to be worked on paper, and the key to them."""
