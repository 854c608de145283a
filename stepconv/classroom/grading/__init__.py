"""Grading: marks with a reason for each part, and what the class got wrong.

Answer files are read (`submission`), given to their students (`assigning`) and marked question
by question (`marking`): a part that follows from what was written before is right (`following`).
Code runs in the sandbox, a mark for each case (`code`). Both end in a `Report`, which is written
as a table, JSON, a gradebook or Gradescope's results, and summed up (`summary`).
"""
