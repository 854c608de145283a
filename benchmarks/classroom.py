"""How long the classroom takes: drawing a problem, and diagnosing an answer.

    python benchmarks/classroom.py [SEEDS]

Prints the median and the largest time in milliseconds over all topics and levels, after one
run that loads the kernels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

from stepconv.classroom.diagnosis import diagnose
from stepconv.classroom.drawing import Draw
from stepconv.classroom.mistakes import wrong_answers
from stepconv.classroom.problem import Problem
from stepconv.classroom.questions import question
from stepconv.classroom.topics import LEVELS, TOPICS, generate


def milliseconds(work: Callable[..., object], *arguments: object) -> float:
    start = perf_counter()
    work(*arguments)
    return 1000 * (perf_counter() - start)


def report(what: str, times: list[float]) -> None:
    print(f"{what:34} {median(times):7.2f} {max(times):8.2f}   of {len(times)}")


def blind(problem: Problem, seed: int) -> object:
    right = problem.answer
    return Draw("blind", seed).whole(right.shape, int(right.min()), int(right.max()) + 1)


def measure(seeds: int) -> None:
    for topic in TOPICS:
        generate(topic.name, 1, 0)
    drawn, asked, named, unexplained = [], [], [], []
    for topic in TOPICS:
        for level in LEVELS:
            for seed in range(seeds):
                name = topic.name
                drawn.append(milliseconds(generate, name, level, seed))
                asked.append(milliseconds(question, name, level, seed))
                problem = generate(name, level, seed)
                for _mistakes, answer in wrong_answers(problem)[:3]:
                    named.append(milliseconds(diagnose, problem, answer))
                if problem.about_output:
                    other = blind(problem, seed)
                    unexplained.append(milliseconds(diagnose, problem, other))
    print(f"{'milliseconds':34} {'median':>7} {'largest':>8}")
    report("draw a problem", drawn)
    report("draw a question", asked)
    report("diagnose one mistake", named)
    report("diagnose a blind answer (pairs)", unexplained)


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
