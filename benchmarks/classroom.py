"""How long the classroom takes: a problem, a diagnosis, and the work of a class.

    python -m benchmarks.classroom [--seeds N] [--class N] [--json FILE]

Problems and diagnoses are timed over all topics and levels, after one run that loads the
kernels; the work of a class as whole processes, two at a time within. See README.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.engine import machine
from stepconv.classroom.diagnosis import diagnose
from stepconv.classroom.drawing import Draw
from stepconv.classroom.exercises import exercise
from stepconv.classroom.mistakes import MISTAKES, wrong_answers
from stepconv.classroom.problem import Problem
from stepconv.classroom.questions import question
from stepconv.classroom.sandbox import protections
from stepconv.classroom.topics import LEVELS, TOPICS, generate
from stepconv.classroom.worksheet.key import read_key
from stepconv.classroom.worksheet.notation import written

EXERCISE = "conv1d"


def milliseconds(work: Callable[..., object], *arguments: object) -> float:
    start = perf_counter()
    work(*arguments)
    return 1000 * (perf_counter() - start)


def blind(problem: Problem, seed: int) -> object:
    right = problem.answer
    return Draw("blind", seed).whole(right.shape, int(right.min()), int(right.max()) + 1)


def problems(seeds: int) -> dict[str, list[float]]:
    for topic in TOPICS:
        generate(topic.name, 1, 0)
    times: dict[str, list[float]] = {
        name: [] for name in ("draw_problem", "draw_question", "diagnose_mistake", "diagnose_blind")
    }
    for topic in TOPICS:
        for level in LEVELS:
            for seed in range(seeds):
                name = topic.name
                times["draw_problem"].append(milliseconds(generate, name, level, seed))
                times["draw_question"].append(milliseconds(question, name, level, seed))
                problem = generate(name, level, seed)
                for _mistakes, answer in wrong_answers(problem)[:3]:
                    times["diagnose_mistake"].append(milliseconds(diagnose, problem, answer))
                if problem.about_output:
                    other = blind(problem, seed)
                    times["diagnose_blind"].append(milliseconds(diagnose, problem, other))
    return times


def stepconv(folder: Path, *arguments: str) -> float:
    """Return the seconds that a command takes as a process of its own."""
    start = perf_counter()
    command = [sys.executable, "-m", "stepconv", *arguments]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return perf_counter() - start


def hand_in(folder: Path) -> None:
    """Fill in the sheets: every third student makes a mistake, another one each."""
    (folder / "answers").mkdir()
    key = read_key(folder / "key")
    for number, student in enumerate(key.students):
        name = f"answers-{student.file_name}.json"
        form = json.loads((folder / "sheets" / student.file_name / name).read_text("utf-8"))
        for one in key.questions(student.id):
            run = one.problem.run
            if number % 3 == 0:
                run = MISTAKES[number // 3 % len(MISTAKES)].apply(run) or run
            for part in one.parts:
                try:
                    answer = written(np.asarray(part.asked(run)))
                except IndexError:  # the mistake leaves no such cell
                    answer = ""
                form["answers"][str(one.number)][part.code] = answer
        (folder / "answers" / name).write_text(json.dumps(form), encoding="utf-8")


def sheets(students: int, folder: Path) -> dict[str, float]:
    roster = "id,name\n" + "".join(f"{k},Student {k}\n" for k in range(students))
    (folder / "class.csv").write_text(roster, encoding="utf-8")
    made = stepconv(folder, "worksheet", "--roster", "class.csv", "--seed", "1", "--count", "5")
    hand_in(folder)
    return {"make_s": made, "grade_s": stepconv(folder, "grade", "answers", "--jobs", "2")}


def code(students: int, folder: Path) -> dict[str, float]:
    """Grade variants of a solution; every fourth turns the kernel round, every fourth adds 1."""
    (folder / "code").mkdir()
    right = exercise(EXERCISE).solution
    turned = right.replace("weight[tap]", "weight[-1 - tap]")
    off = right.replace("return output", "return output + 1")
    for number in range(students):
        text = (right, turned, right, off)[number % 4]
        path = folder / "code" / f"{number}.py"
        path.write_text(f"# {number}\n{text}", encoding="utf-8")
    return {"grade_s": stepconv(folder, "grade", "code", "--exercise", EXERCISE, "--jobs", "2")}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the classroom.")
    parser.add_argument("--seeds", type=int, default=20, help="problems a topic and level")
    parser.add_argument("--class", type=int, default=200, dest="students", help="students")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    times = problems(arguments.seeds)
    print(f"{'milliseconds':24} {'median':>7} {'largest':>8}")
    for what, found in times.items():
        print(f"{what:24} {median(found):7.2f} {max(found):8.2f}   of {len(found)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = {
            "students": arguments.students,
            "sheets": sheets(arguments.students, folder),
            "code": code(arguments.students, folder),
            "missing_protections": list(protections().missing),
        }
    print(f"a class of {arguments.students}, in seconds")
    for work in ("sheets", "code"):
        for what, took in whole[work].items():
            print(f"{work + ' ' + what:24} {took:7.1f}")
    if arguments.json:
        each = {
            what: {"median_ms": median(found), "largest_ms": max(found), "count": len(found)}
            for what, found in times.items()
        }
        arguments.json.write_text(
            json.dumps({"machine": machine(), "problems": each, "class": whole}, indent=1) + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
