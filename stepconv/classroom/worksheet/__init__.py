"""Worksheets: each student's own numbers, to be worked on paper, and the key to them.

A `Worksheet` is a seed, topics, a level and a count. From it and a student's id come that
student's `Question`s, each a problem with its `Part`s: the steps that are asked for. They are
written as pages of blocks (`page`), from which Markdown and HTML are made alike, and kept in the
key, so that grading needs no second draw. The seed stays with the key: sheets carry an id alone.
"""
