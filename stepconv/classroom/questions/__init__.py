"""Questions for practice: a topic's problem, asked in one of several ways.

A question has its words and hints in the current language, reads what a learner types,
judges it by `diagnose`, and knows what to replay.
"""

from __future__ import annotations

from stepconv.classroom.drawing import Draw
from stepconv.classroom.questions.kinds import KINDS, Kind
from stepconv.classroom.questions.question import Question
from stepconv.classroom.topics import generate, topic
from stepconv.classroom.verdict import Verdict
from stepconv.errors import InputError
from stepconv.values import shown

__all__ = ["KINDS", "Kind", "Question", "Verdict", "kinds_for", "question"]


def kinds_for(name: str) -> tuple[Kind, ...]:
    """Return the kinds of questions that fit a topic; InputError where there is no such topic.

    >>> [kind.name for kind in kinds_for("stride")]
    ['row', 'cell', 'window', 'seen']
    """
    return tuple(kind for kind in KINDS if topic(name).name in kind.topics)


def question(name: str, level: int = 1, seed: int | str = 0, kind: str | None = None) -> Question:
    """Return a question on a topic: always the same one for the same arguments.

    Parameters
    ----------
    name : str
        The topic.
    level : int
        1, 2 or 3.
    seed : int or str
    kind : str, optional
        What to ask, one of `kinds_for` the topic; drawn where it is left out.

    Examples
    --------
    >>> asked = question("stride", seed=5, kind="seen")
    >>> asked.ask, asked.right_answer
    ('Which positions of the input does y3 see, counted from 1?', '5 6 7')
    """
    draw = Draw("question", name, level, seed)
    fitting = kinds_for(name)
    drawn = draw.pick(fitting)
    if kind is not None:
        named = [one for one in fitting if one.name == kind]
        if not named:
            raise InputError(
                "there is no question {kind} on {topic}; one of {kinds}",
                kind=shown(kind),
                topic=name,
                kinds=", ".join(one.name for one in fitting),
            )
        drawn = named[0]
    parts = drawn.make(generate(name, level, seed), draw)
    return Question(kind=drawn.name, topic=name, level=level, seed=seed, **parts)
