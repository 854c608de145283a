"""The order of practice: nothing is forgotten, and what was missed comes back."""

from __future__ import annotations

from collections.abc import Callable

from stepconv.classroom.rota import Rota

TOPICS = [f"topic-{k}" for k in range(9)]


def played(rota: Rota, turns: int, right: Callable[[int, str], bool]) -> list[str]:
    order = []
    for turn in range(turns):
        topic, _seed = rota.next()
        rota.note(topic, right(turn, topic))
        order.append(topic)
    return order


def test_all_topics_come_before_one_comes_twice() -> None:
    order = played(Rota(TOPICS, 3), 9, lambda turn, topic: True)
    assert sorted(order) == TOPICS
    assert order != TOPICS


def test_a_missed_topic_comes_back_after_one_other() -> None:
    order = played(Rota(TOPICS, 3), 40, lambda turn, topic: turn != 20)
    assert order[22] == order[20]
    assert order[21] != order[20]


def test_topics_missed_come_more_often() -> None:
    order = played(Rota(TOPICS, 3), 90, lambda turn, topic: topic != "topic-4")
    others = [order.count(topic) for topic in TOPICS if topic != "topic-4"]
    assert order.count("topic-4") >= 3 * max(others)
    assert min(others) >= 4


def test_missing_everything_still_shows_every_topic() -> None:
    order = played(Rota(TOPICS, 3), 60, lambda turn, topic: turn % 3 == 0)
    assert set(order) == set(TOPICS)


def test_one_topic_alone_goes_on() -> None:
    assert played(Rota(["stride"], 1), 3, lambda turn, topic: False) == ["stride"] * 3


def test_seed_and_answers_decide_the_order_and_every_question_has_its_own_seed() -> None:
    one, other = (played(Rota(TOPICS, 5), 30, lambda turn, topic: turn % 2 == 0) for _ in "ab")
    assert one == other
    assert one != played(Rota(TOPICS, 6), 30, lambda turn, topic: turn % 2 == 0)
    rota = Rota(TOPICS, 5)
    assert len({rota.next()[1] for _ in range(20)}) == 20
