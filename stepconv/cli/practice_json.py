"""Practice for programs: a JSON object a line, for each question, hint, verdict, and the end."""

from __future__ import annotations

import json
import sys
from typing import Any

from stepconv.classroom.diagnosis import Diagnosis
from stepconv.classroom.practice import Comparison, Course
from stepconv.classroom.practice.keeping import Keeper
from stepconv.classroom.practice.summary import Summary
from stepconv.cli.output import Output
from stepconv.cli.practice_run import cell_of, keeper_remark
from stepconv.errors import InputError
from stepconv.lessons.drill import Drill
from stepconv.lessons.format import plain
from stepconv.record import Placement


class JsonLines:
    """Practice as JSON lines; each object has a "type".

    "question": what is asked, with its topic, kind, level and seed. "verdict": whether the
    line read was right; the mistakes that explain it; both ways at the first cell that
    differs. "hint", "answer", "comparison" and "step" answer the lines h, x, c and r; s
    passes a question over, q ends. "summary" comes last.

    Parameters
    ----------
    output : Output
    keeper : Keeper
    course : Course
    most : int or None
        Questions to ask.
    """

    def __init__(self, output: Output, keeper: Keeper, course: Course, most: int | None) -> None:
        self.output = output
        self.keeper = keeper
        self.drill = Drill(course, most)

    def run(self) -> None:
        """Ask until the lines or the questions end, then tell how it went."""
        try:
            self._begin()
            for line in sys.stdin:
                if line.strip():
                    self._obey(line.strip())
                if self.drill.done:
                    break
        except UnicodeDecodeError as error:
            raise InputError("standard input is not text; give answers in UTF-8") from error
        finally:
            self._become(self.drill.ended())
            self._end()

    def _obey(self, line: str) -> None:
        if line == "q":
            self._become(self.drill.ended())
        elif line == "s":
            self._next()
        elif line == "c":
            self._write("comparison", beside=_compared(self.drill.beside))
        elif line == "r":
            self._step()
        elif line == "h":
            self.drill = self.drill.hinted()
            self._hint()
        elif line == "x":
            self.drill = self.drill.given_up()
            self._write("answer", answer=self.drill.asked.right_answer, outcome=self.drill.outcome)
            self._next()
        else:
            self._answer(line)

    def _answer(self, line: str) -> None:
        self.drill = self.drill.answered(line)
        self._verdict()
        if self.drill.attempt.outcome:
            self._next()

    def _next(self) -> None:
        self._become(self.drill.next())
        if not self.drill.done:
            self._begin()

    def _become(self, drill: Drill) -> None:
        self.keeper.follow(self.drill.course, drill.course)
        self.drill = drill

    # -- what is written ------------------------------------------------------------------

    def _begin(self) -> None:
        question = self.drill.course.question
        self._write(
            "question",
            number=self.drill.course.number,
            topic=question.topic,
            question=question.kind,
            level=question.level,
            seed=str(question.seed),
            given=[{"name": name, "text": text} for name, text in question.given],
            ask=question.ask,
            form=question.form,
            hints=len(question.hints),
        )

    def _hint(self) -> None:
        hints, number = self.drill.asked.hints, self.drill.attempt.hints
        self._write("hint", number=number, of=len(hints), text=plain(hints[number - 1]))

    def _verdict(self) -> None:
        attempt = self.drill.attempt
        verdict = attempt.verdict
        assert verdict is not None  # something was answered
        found: dict[str, Any] = {
            "right": verdict.right,
            "problem": None if verdict.problem is None else str(verdict.problem),
            "tries": attempt.tries,
            "outcome": self.drill.outcome if attempt.outcome else None,
        }
        if verdict.diagnosis is not None:
            found |= _diagnosed(verdict.diagnosis) | {"beside": _compared(self.drill.beside)}
        self._write("verdict", **found)

    def _step(self) -> None:
        self.drill = self.drill.seen()
        trace = self.drill.course.question.trace
        found = None if trace is None else _placed(trace.at(*cell_of(self.drill, trace)))
        self._write("step", step=found)

    def _end(self) -> None:
        results, remark = self.drill.course.results, keeper_remark(self.keeper)
        found = Summary.of(results)
        self._write(
            "summary",
            seed=str(self.drill.course.seed),
            asked=found.asked,
            right=found.right,
            helped=found.helped,
            missed=found.missed,
            topics=[dict(vars(row)) for row in found.rows],
            mistakes=[{"codes": codes, "count": count} for codes, count in found.mistakes],
            unexplained=found.unexplained,
            lessons=found.lessons,
            level=found.level,
            results=[dict(vars(one)) for one in results],
            remark=remark or None,
        )

    def _write(self, kind: str, **facts: Any) -> None:
        screen = self.output.screen
        text = json.dumps({"type": kind, **facts}, ensure_ascii=screen.look.ascii)
        screen.write(text + "\n")


def _diagnosed(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "explanations": [
            [
                {
                    "code": one.code,
                    "name": one.name,
                    "explanation": one.explanation,
                    "advice": one.advice,
                }
                for one in explanation.mistakes
            ]
            for explanation in diagnosis.explanations
        ],
        "facts": [{"code": fact.code, "text": fact.text} for fact in diagnosis.facts],
        "difference": diagnosis.difference,
    }


def _compared(comparison: Comparison | None) -> dict[str, Any] | None:
    """Return both ways as JSON types: placements, or only sizes."""
    if comparison is None:
        return None
    wrong = comparison.wrong
    if comparison.cell is None:
        return {
            "cell": None,
            "right": comparison.right.output_shape,
            "wrong": None if wrong is None else wrong.output_shape,
        }
    return {
        "cell": comparison.cell,
        "right": _placed(comparison.placement()),
        "wrong": _placed(comparison.mistaken()),
    }


def _placed(placement: Placement | None) -> dict[str, Any] | None:
    if placement is None:
        return None
    return {
        "output": placement.output_index,
        "terms": [
            {
                "input": term.input,
                "value": term.value,
                "weight": term.weight,
                "product": term.product,
            }
            for term in placement.terms
        ],
        "sum": placement.sum,
        "bias": placement.bias,
        "value": placement.output,
    }
