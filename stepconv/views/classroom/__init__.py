"""What the classroom shows: exercises, worksheets, marks."""
