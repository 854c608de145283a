"""Rota: which topic comes next in endless practice. What was missed comes back sooner."""

from __future__ import annotations

from collections.abc import Sequence

from stepconv.classroom.drawing import Draw

SOON = 2
"""Questions until a topic that was missed comes back: one other lies between."""


class Rota:
    """An endless order of topics, the same for the same seed and answers.

    A topic that was missed comes back with the question after next, until it is answered
    rightly. Each right answer in a row doubles the questions until it is due again.

    Parameters
    ----------
    topics : sequence of str
        At least one.
    seed : int or str

    Examples
    --------
    >>> rota = Rota(["stride", "padding", "bias"], seed=1)
    >>> order = []
    >>> for right in (False, True, True, True, True):
    ...     topic, _seed = rota.next()
    ...     rota.note(topic, right)
    ...     order.append(topic)
    >>> order
    ['bias', 'stride', 'bias', 'padding', 'bias']
    """

    def __init__(self, topics: Sequence[str], seed: int | str) -> None:
        draw, left = Draw("rota", seed), list(topics)
        order = [left.pop(draw.below(len(left))) for _topic in topics]
        self.seed = seed
        self.turn = 0
        self._due = {topic: place for place, topic in enumerate(order)}
        self._gap = dict.fromkeys(order, len(order))
        self._missed: dict[str, int] = {}
        self._last = ""

    def next(self) -> tuple[str, str]:
        """Return the topic of the next question, and the question's seed."""
        self.turn += 1
        others = [topic for topic in self._due if topic != self._last] or list(self._due)
        back = [topic for topic in others if self._missed.get(topic, self.turn + 1) <= self.turn]
        due = self._missed if back else self._due
        self._last = min(back or others, key=lambda topic: due[topic])
        return self._last, f"{self.seed}/{self.turn}"

    def note(self, topic: str, right: bool) -> None:
        """Note how a question of a topic was answered."""
        if right:
            self._missed.pop(topic, None)
            self._gap[topic] *= 2
        else:
            self._missed[topic] = self.turn + SOON
            self._gap[topic] = SOON
        self._due[topic] = self.turn + self._gap[topic]
