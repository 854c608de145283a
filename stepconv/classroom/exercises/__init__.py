"""Coding exercises: functions to write, kept as data, checked against the engine.

An exercise is a folder of ``lessons/exercises/``: what the function is called and takes, cases,
hints, instructions in each language, a starter and a solution. What the function should give is
never written there: the engine computes it.
"""

from __future__ import annotations

from stepconv.classroom.exercises.cases import Case, FieldCase, LayerCase
from stepconv.classroom.exercises.check import CheckedCase, Report, check
from stepconv.classroom.exercises.exercise import Exercise
from stepconv.classroom.exercises.reading import (
    exercise,
    exercises,
    exercises_in,
    read_exercise,
)

__all__ = [
    "Case",
    "CheckedCase",
    "Exercise",
    "FieldCase",
    "LayerCase",
    "Report",
    "check",
    "exercise",
    "exercises",
    "exercises_in",
    "read_exercise",
]
