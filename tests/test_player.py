"""The replay's states: what each key and each stretch of time makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from stepconv import trace
from stepconv.cli.keys import decode, key
from stepconv.player import SPEEDS, Counts, Player

# 2 samples, 3 output channels, 4 positions; terms with 2 input channels of 3 taps each.
COUNTS = Counts(samples=2, channels=3, positions=4, taps=3, others=(2, 2, 2))
START = Player(COUNTS)


def pressed(*keys: str, start: Player = START) -> Player:
    """Press keys one after the other."""
    for one in keys:
        start = start.press(one)
    return start


@pytest.mark.parametrize(
    ("keys", "index", "term"),
    [
        ("", 0, None),
        ("right", 1, None),
        ("n n p", 1, None),
        ("left", 0, None),
        ("end", 23, None),
        ("$ right", 23, None),
        ("end home", 0, None),
        ("end ^", 0, None),
        ("down", 0, 0),
        ("down down", 0, 1),
        ("down up", 0, None),
        ("up", 0, None),
        ("right down up", 0, 5),
        ("right up", 1, None),
        ("down down down down down down down", 1, 0),
        ("end down down down down down down down", 23, 5),
        ("down down right", 1, None),
        ("c", 4, None),
        ("right c c", 9, None),
        ("right c c c", 9, None),
        ("right C", 1, None),
        ("c C", 0, None),
        ("b", 12, None),
        ("right b b", 13, None),
        ("right b B", 1, None),
        ("B", 0, None),
        ("end C B", 7, None),
        ("g 1 2 enter", 11, None),
        ("g 2 4 enter", 23, None),
        ("g 2 5 enter", 0, None),
        ("g 0 enter", 0, None),
        ("g enter", 0, None),
        ("g 1 2 backspace enter", 0, None),
        ("g backspace 5 enter", 4, None),
        ("g 7 escape right", 1, None),
        ("g 7 right x enter", 6, None),
        ("x ctrl-z", 0, None),
        ("? right right", 1, None),
    ],
)
def test_keys_move(keys: str, index: int, term: int | None) -> None:
    state = pressed(*keys.split())
    assert (state.index, state.term, state.done) == (index, term, False)


@pytest.mark.parametrize("keys", ["q", "escape", "ctrl-c", "? ctrl-c", "g 1 ctrl-c", "right q"])
def test_keys_quit(keys: str) -> None:
    assert pressed(*keys.split()).done


@pytest.mark.parametrize("keys", ["? q", "? escape", "g escape", "g q"])
def test_keys_that_only_close_what_is_open(keys: str) -> None:
    state = pressed(*keys.split())
    assert not state.done
    assert not state.help


def test_a_number_that_is_no_step_is_refused_until_the_next_key() -> None:
    state = pressed("g", "9", "9", "enter")
    assert (state.refused, state.index, state.typed) == ("99", 0, None)
    assert pressed("right", start=state).refused is None


def test_typing_stops_at_a_dozen_digits() -> None:
    assert pressed("g", *"12345678901234567890").typed == "123456789012"


def test_the_other_channel_follows_the_term_or_the_key() -> None:
    assert pressed("i").shown == 1
    assert pressed("i", "i").shown == 1
    assert pressed("i", "I", "I").shown == 0
    term = pressed(*["down"] * 4)
    assert (term.term, term.shown) == (3, 1)
    back = pressed("I", start=term)
    assert (back.term, back.shown) == (None, 0)


def test_stamps_move_through_input_channels_and_show_output_channels() -> None:
    counts = Counts(samples=1, channels=2, positions=4, taps=3, others=(3, 1), scatter=True)
    start = Player(counts)
    assert pressed("i", start=start).index == 4
    assert pressed("i", "i", start=start).index == 4
    assert pressed("c", "c", "c", start=start).shown == 2
    assert pressed("c", "c", "i", start=start).shown == 0  # the next one meets one channel alone
    assert pressed("i", "c", start=start).shown == 0


def test_stamps_of_which_nothing_is_traced_have_no_terms() -> None:
    counts = Counts(samples=1, channels=2, positions=1, taps=3, others=(0, 1), scatter=True)
    state = Player(counts).press("down")
    assert (state.index, state.term) == (1, 0)
    assert (state.press("up").index, state.press("up").term) == (0, None)
    assert Player(counts).shown == 0


def test_views_go_round() -> None:
    assert [pressed(*["v"] * k).view for k in range(4)] == ["steps", "matrix", "table", "steps"]
    assert Player(COUNTS, view="none of them").press("v").view == "table"


# -- time


def test_playing_moves_a_step_each_delay() -> None:
    state = pressed("space")
    assert state.playing
    assert state.tick(0.4).index == 0
    assert state.tick(0.4).tick(0.7).index == 1
    assert state.tick(0.4).tick(0.7).wait == pytest.approx(0.9)
    assert pressed("space", "space").tick(5) == START
    assert START.wait is None


def test_playing_moves_through_terms_once_one_is_shown() -> None:
    state = pressed("down", "space").tick(1)
    assert (state.index, state.term) == (0, 1)
    last = replace(state, term=5)
    assert (last.tick(1).index, last.tick(1).term) == (1, 0)


def test_playing_stops_at_the_end_and_begins_anew() -> None:
    state = pressed("end", "left", "space").tick(1)
    assert (state.index, state.playing) == (23, True)
    state = state.tick(1)
    assert (state.index, state.playing, state.wait) == (23, False, None)
    again = state.press("space")
    assert (again.index, again.playing) == (0, True)


def test_a_long_sleep_is_one_step_and_no_rush_after_it() -> None:
    state = pressed("space").tick(3600)
    assert state.index == 1
    assert state.wait == 0
    assert state.tick(0).tick(0.5).index == 2


@pytest.mark.parametrize("keys", ["?", "g"])
def test_time_stands_still_meanwhile(keys: str) -> None:
    state = pressed("space", keys)
    assert state.tick(10) == state


def test_speeds() -> None:
    assert pressed("+").delay == 0.5
    assert pressed("=", "-").delay == 1.0
    assert pressed(*["+"] * 20).delay == min(SPEEDS)
    assert pressed(*["_"] * 20).delay == max(SPEEDS)
    odd = replace(START, delay=0.7)
    assert (odd.press("+").delay, odd.press("-").delay) == (0.5, 1.0)
    assert replace(START, delay=60.0).press("-").delay == 60.0


def test_states_that_look_alike_are_equal() -> None:
    state = pressed("space")
    assert state.tick(0.1) == state
    assert state.tick(1.1) != state


NAMED = "right left up down home end enter backspace space escape ctrl-c"
KEYS = st.sampled_from(NAMED.split()) | st.sampled_from("^$npg019+-cCbBiIv?xq")


@given(
    others=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3)),
    scatter=st.booleans(),
    events=st.lists(KEYS | st.floats(0, 10), max_size=60),
)
def test_nothing_leaves_the_bounds(
    others: list[int], sizes: tuple[int, int, int], scatter: bool, events: list[str | float]
) -> None:
    samples, positions, taps = sizes
    counts = Counts(samples, len(others), positions, taps, tuple(others), scatter=scatter)
    state = Player(counts)
    for event in events:
        state = state.press(event) if isinstance(event, str) else state.tick(event)
        assert 0 <= state.index < counts.steps
        assert state.term is None or 0 <= state.term < state.terms
        assert 0 <= state.shown <= max(others[counts.channel(state.index)] - 1, 0)
        assert state.view in state.views
        assert 0.01 <= state.delay <= 8
        assert state.wait is None or 0 <= state.wait <= state.delay


# -- counts


def test_counts_of_a_forward_trace() -> None:
    record = trace([[[1] * 5] * 4] * 2, [[[1] * 3] * 2] * 6, groups=2)
    counts = Counts.of(record)
    assert counts == Counts(samples=2, channels=6, positions=3, taps=3, others=(2,) * 6)
    assert counts.steps == len(record)
    assert all(counts.terms(k) == len(record[k].terms) for k in range(len(record)))


def test_counts_of_a_part() -> None:
    record = trace([[1, 2, 3, 4]], [[[1, 1]]] * 3, only=(slice(1, 3), slice(0, 2)))
    assert Counts.of(record).steps == len(record) == 4


@pytest.mark.parametrize("only", [None, (0, slice(1, 4)), (0, slice(0, 1))])
def test_counts_of_stamps(only: object) -> None:
    record = trace(
        [[[1] * 3] * 4], [[[1] * 2] * 2] * 4, groups=2, transposed=True, order="scatter", only=only
    )
    counts = Counts.of(record)
    assert counts.steps == len(record)
    assert [counts.terms(k) for k in range(len(record))] == [len(one.terms) for one in record]


# -- keys


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", ["q"]),
        (b"\x1b[A\x1b[B\x1b[C\x1b[D", ["up", "down", "right", "left"]),
        (b"\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF", ["up", "down", "right", "left", "home", "end"]),
        (b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~", ["home", "end"] * 3),
        (b"\x1b[1;5C\x1b[1;2D\x1b[1;3A", ["right", "left", "up"]),
        (b"\x1b[3~\x7f\x08", ["backspace"] * 3),
        (b"\r\n \x03", ["enter", "enter", "space", "ctrl-c"]),
        (b"\x1b[200~1\x1b[201~", ["1"]),
        (b"\x1b[5~\x1b[6~", ["pageup", "pagedown"]),
        (b"\x1b[15~\x1b[<0;3;4M", []),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1bq", ["escape", "q"]),
        ("？ｑ１。".encode(), ["?", "q", "1", "。"]),
        (b"\x01\x00\xff", []),
        (b"+-c", ["+", "-", "c"]),
    ],
)
def test_what_a_terminal_sends(data: bytes, keys: list[str]) -> None:
    assert decode(data, final=True) == (keys, b"")


@pytest.mark.parametrize(
    "data", [b"\x1b[1;5C", b"\x1bOA", "？".encode(), b"\x1b[A\x1b[B", b"ab\x1b[3~"]
)
def test_keys_that_come_in_pieces(data: bytes) -> None:
    whole = decode(data, final=True)[0]
    for cut in range(1, len(data)):
        first, rest = decode(data[:cut])
        assert first + decode(rest + data[cut:], final=True)[0] == whole


@given(st.binary(max_size=30))
def test_no_bytes_upset_it(data: bytes) -> None:
    keys, rest = decode(data, final=True)
    assert rest == b""
    assert all(keys)


def test_windows_characters() -> None:
    assert [key(one) for one in ("\r", "\x1b", "a", "")] == [["enter"], ["escape"], ["a"], []]
