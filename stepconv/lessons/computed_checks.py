"""Checks that need the engine: what authors believe, results in the prose, answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from stepconv.classroom.answers import Array, bare
from stepconv.classroom.diagnosis import diagnose
from stepconv.classroom.mistakes import mistakes_with, wrong_answers
from stepconv.errors import InputError, StepconvError
from stepconv.files import shown
from stepconv.language import LANGUAGES, using_language
from stepconv.lessons.expressions import Scope
from stepconv.lessons.filling import expressions
from stepconv.lessons.format import Code, plain, texts
from stepconv.lessons.loader import Draft
from stepconv.lessons.prose_checks import at_line
from stepconv.lessons.questions import Question, answer_text
from stepconv.lessons.scenes import ConvolutionScene, ProgramScene, Scene, scope_of
from stepconv.lessons.written import written


def beliefs_hold(draft: Draft) -> Iterator[InputError]:
    """Find scenes that cannot be computed, and beliefs that the computation contradicts."""
    scope = scope_of(draft.scenes)
    for scene in draft.scenes.values():
        try:
            _ = scene.printed if isinstance(scene, ProgramScene) else None
            _ = scene.trace if isinstance(scene, ConvolutionScene) else None
        except StepconvError as reason:
            yield _in(scene.where, reason)
            draft.broken.add(scene.id)
            continue
        yield from _beliefs(scene, Scope(scope.scenes, scene.names))


def _beliefs(scene: Scene, scope: Scope) -> Iterator[InputError]:
    for expression, believed in scene.expect:
        try:
            computed = expression.value(scope)
        except InputError as reason:
            yield _in(f"{scene.where}.expect", reason)
            continue
        if not agrees(computed, believed, scene.within):
            yield _in(
                f"{scene.where}.expect",
                InputError(
                    "{expression} is believed to be {believed}, and comes to {computed}",
                    expression=expression.source,
                    believed=shown(_listed(believed), 200),
                    computed=shown(_listed(computed), 200),
                ),
            )


def agrees(computed: Any, believed: Any, within: float) -> bool:
    """Whether a computed value is the one that an author believes in.

    >>> agrees(np.array([[[3, 3]]]), [3, 3], 0.0), agrees((1, 2), [1, 3], 0.0)
    (True, False)
    """
    if isinstance(computed, bool | np.bool_ | str) or isinstance(believed, bool | str):
        return type(believed) is type(_plain(computed)) and bool(computed == believed)
    try:
        one, other = bare(np.asarray(computed)), bare(np.asarray(believed))
    except ValueError:  # lists of unlike lengths
        return bool(_plain(computed) == believed)
    if one.shape != other.shape:
        return False
    if one.dtype.kind in "OU" or other.dtype.kind in "OU":
        return bool((one == other).all())
    room = within * np.maximum(1, np.abs(other))
    return bool((np.abs(one - other) <= room).all())


def results_can_be_computed(draft: Draft) -> Iterator[InputError]:
    """Find expressions in the prose, and in what questions say, that fail."""
    scope = scope_of(draft.scenes)
    for language, blocks in draft.prose.items():
        for block in blocks:
            lines = [plain(spans) for spans in texts(block)]
            if isinstance(block, Code) and not block.language:
                lines = [block.text]
            for text in lines:
                for reason in _failing(text, scope, draft):
                    yield at_line(draft, language, block.line, reason)
    for question in draft.questions.values():
        yield from _failing_words(question)


def _failing(text: str, scope: Scope, draft: Draft) -> Iterator[InputError]:
    try:
        found = expressions(text)
    except InputError as reason:
        yield reason
        return
    unusable = {name.replace("-", "_") for name in draft.broken}
    for expression in found:
        draft.results += 1
        if expression.names & unusable:
            continue
        try:
            written(expression.value(scope))
        except InputError as reason:
            yield reason


def _failing_words(question: Question) -> Iterator[InputError]:
    for language in LANGUAGES:
        with using_language(language):
            try:
                _ = question.ask, question.hints
                _ = [(option.text, option.why) for option in question.options]
            except InputError as reason:
                yield reason


def answers_hold(draft: Draft) -> Iterator[InputError]:
    """Find questions whose answer fails, or which cannot tell the mistakes they list."""
    for question in draft.questions.values():
        if question.answer is None or (question.scene and question.scene.id in draft.broken):
            continue
        try:
            right = question.computed
        except InputError as reason:
            yield reason
            continue
        problem = _unfit(question, right)
        if problem:
            yield _in(f"{question.where}.answer", problem)
        else:
            yield from _mistakes(question)


def _unfit(question: Question, right: Array) -> InputError | None:
    """Say why nobody could type an answer, where that is so."""
    if not np.isfinite(right).all() or right.dtype.kind == "c":
        return InputError("the answer is {answer}, which nobody can type", answer=written(right))
    if question.decimals is None and not np.array_equal(right, np.round(right, 4)):
        return InputError(
            "the answer is {answer}; say to how many digits it is wanted: decimals = 2",
            answer=written(right),
        )
    if not question.judge(answer_text(question.kind, right)).right:
        return InputError("the answer {answer} is not taken for right", answer=written(right))
    return None


def _mistakes(question: Question) -> Iterator[InputError]:
    if question.problem is None:
        return
    wrong = wrong_answers(question.problem)
    for code in question.mistakes:
        place = f"{question.where}.mistakes"
        try:
            mistakes_with(code)
        except InputError as reason:
            yield _in(place, reason)
            continue
        answers = [answer for mistakes, answer in wrong if mistakes[0].code == code]
        if not answers:
            yield _in(
                place,
                InputError(
                    "{code} does not apply here, or leads to the right answer; choose other"
                    " numbers, or leave it out",
                    code=code,
                ),
            )
        elif not any(_named(question, answer, code) for answer in answers):
            yield _in(
                place,
                InputError(
                    "{code} gives {answer}, and that is not recognised as this mistake; choose"
                    " other numbers, or leave it out",
                    code=code,
                    answer=answer_text(question.kind, answers[0]),
                ),
            )


def _named(question: Question, answer: Array, code: str) -> bool:
    verdict = question.judge(answer_text(question.kind, answer))
    found = diagnose(question.problem, answer) if question.problem else None
    named = found is not None and any(code in one.codes for one in found.explanations)
    return named and not verdict.right


def _plain(value: Any) -> Any:
    """Return arrays, tuples and NumPy's numbers as lists and Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _listed(value: Any) -> str:
    plain_value = _plain(bare(value) if isinstance(value, np.ndarray) and value.ndim else value)
    return re.sub(r"(\.\d{6})\d+", r"\1", str(plain_value))


def _in(where: str, reason: StepconvError) -> InputError:
    return InputError("{where}: {reason}", where=where, reason=reason)
