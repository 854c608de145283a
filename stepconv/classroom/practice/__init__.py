"""Practice: which question comes next, how it went, and what to do about it.

`Schedule` brings topics back, those missed sooner; `Course` draws the questions of one
session from it; `Comparison` sets a mistaken way of working beside the right one.
"""

from __future__ import annotations

from stepconv.classroom.practice.comparison import Comparison
from stepconv.classroom.practice.course import Course, Result
from stepconv.classroom.practice.schedule import OUTCOMES, Schedule, Standing

__all__ = ["OUTCOMES", "Comparison", "Course", "Result", "Schedule", "Standing"]
