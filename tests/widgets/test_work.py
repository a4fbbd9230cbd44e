"""Work beside the kernel's loop: the newest wins, all of it can be stopped, and nothing of it is lost silently."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from mindgap.widgets._work import Work, Worker, aside
from tests.waiting import HANG

BUSY = 0.01
Outcome = tuple[Any, Any, bool]


def in_a_loop(drive: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(drive(), HANG))


async def until(happened: Callable[[], object]) -> None:
    while not happened():
        await asyncio.sleep(0.005)


def held(work: Work) -> None:
    """Work that goes on until nobody wants it."""
    while True:
        work(0.5, "holding")


def quiet(_share: float, _words: str) -> None: ...


def test_without_a_loop_it_is_done_at_once() -> None:
    outcomes: list[Outcome] = []
    Worker().ask(lambda work: threading.current_thread(), lambda *outcome: outcomes.append(outcome), quiet, BUSY)
    assert outcomes == [(threading.current_thread(), None, False)]


def test_in_a_loop_a_thread_does_it_and_the_loop_is_told() -> None:
    outcomes: list[tuple[Outcome, threading.Thread]] = []

    async def drive() -> None:
        ask = Worker().ask
        ask(lambda work: threading.current_thread().name,
            lambda *outcome: outcomes.append((outcome, threading.current_thread())), quiet, BUSY)  # fmt: skip
        assert outcomes == []
        await until(lambda: outcomes)

    in_a_loop(drive)
    assert outcomes == [(("mindgap", None, False), threading.main_thread())]


def test_of_a_hundred_wishes_the_first_is_stopped_and_the_last_is_done() -> None:
    outcomes: list[Outcome] = []
    begun: list[int] = []

    def job(number: int) -> Callable[[Work], int]:
        def do(work: Work) -> int:
            begun.append(number)
            if number == 0:
                held(work)
            return number

        return do

    async def drive() -> None:
        worker = Worker()
        for number in range(100):
            worker.ask(job(number), lambda *outcome: outcomes.append(outcome), quiet, BUSY)
        await until(lambda: outcomes)
        await asyncio.sleep(0.05)

    in_a_loop(drive)
    assert outcomes == [(99, None, False)]
    assert begun == [0, 99]


def test_what_is_going_on_is_said_after_a_while_and_cancelled_at_once() -> None:
    outcomes: list[Outcome] = []
    said: list[tuple[float, str]] = []

    async def drive() -> None:
        worker = Worker()
        worker.ask(held, lambda *outcome: outcomes.append(outcome), lambda *words: said.append(words), BUSY)
        await until(lambda: said)
        worker.cancel()
        await until(lambda: outcomes)
        assert worker.current is None

    in_a_loop(drive)
    assert said[0] == (0.5, "holding")
    assert outcomes == [(None, None, True)]


def test_work_that_ends_before_that_says_nothing() -> None:
    said: list[object] = []
    outcomes: list[Outcome] = []

    async def drive() -> None:
        Worker().ask(lambda work: 1, lambda *outcome: outcomes.append(outcome), lambda *words: said.append(words), 0.05)
        await until(lambda: outcomes)
        await asyncio.sleep(0.1)

    in_a_loop(drive)
    assert said == []


def test_an_error_is_handed_over() -> None:
    outcomes: list[Outcome] = []

    def broken(work: Work) -> None:
        raise KeyError("a bug")

    async def drive() -> None:
        Worker().ask(broken, lambda *outcome: outcomes.append(outcome), quiet, BUSY)
        await until(lambda: outcomes)

    in_a_loop(drive)
    ((result, error, cancelled),) = outcomes
    assert (result, repr(error), cancelled) == (None, "KeyError('a bug')", False)


def test_what_is_closed_ends_and_says_nothing_more() -> None:
    outcomes: list[Outcome] = []
    ended = threading.Event()

    def job(work: Work) -> None:
        try:
            held(work)
        finally:
            ended.set()

    async def drive() -> None:
        worker = Worker()
        worker.ask(job, lambda *outcome: outcomes.append(outcome), quiet, BUSY)
        worker.close()
        await until(ended.is_set)
        await until(lambda: worker.current is None)

    in_a_loop(drive)
    assert outcomes == []


@pytest.fixture
def ignored() -> Iterator[None]:
    """Interrupts are ignored, as by a kernel that waits for a cell."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_two() -> None:
    """Interrupt this process while two workers are at work."""
    outcomes: list[Outcome] = []
    said: list[object] = []

    async def drive() -> None:
        workers = [Worker(), Worker()]
        for worker in workers:
            worker.ask(held, lambda *outcome: outcomes.append(outcome), lambda *words: said.append(words), BUSY)
        await until(lambda: len(said) >= 2)
        os.kill(os.getpid(), signal.SIGINT)
        await until(lambda: len(outcomes) == 2)

    in_a_loop(drive)
    assert outcomes == [(None, None, True)] * 2
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.usefixtures("ignored")
def test_an_interrupt_of_the_kernel_cancels_all_work_and_is_ignored_again_afterwards() -> None:
    interrupt_two()


@pytest.mark.usefixtures("ignored")
def test_work_of_a_loop_that_has_ended_is_no_work() -> None:
    left = Worker()
    given_up = threading.Event()

    async def leave() -> None:
        left.ask(lambda _work: given_up.wait(), lambda *_: None, quiet, BUSY)

    in_a_loop(leave)
    interrupt_two()
    given_up.set()


def test_a_running_cell_keeps_its_own_interrupt() -> None:
    said: list[object] = []
    outcomes: list[Outcome] = []

    async def drive() -> None:
        before, worker = signal.getsignal(signal.SIGINT), Worker()
        worker.ask(held, lambda *outcome: outcomes.append(outcome), lambda *words: said.append(words), BUSY)
        await until(lambda: said)
        assert signal.getsignal(signal.SIGINT) is before
        worker.cancel()
        await until(lambda: outcomes)

    in_a_loop(drive)


def test_what_is_made_aside_is_put_on_the_loop() -> None:
    put: list[tuple[str, threading.Thread]] = []

    async def drive() -> None:
        aside(lambda: threading.current_thread().name, lambda made: put.append((made, threading.current_thread())))
        await until(lambda: put)

    in_a_loop(drive)
    assert put == [("mindgap", threading.main_thread())]


def test_a_loop_that_has_ended_is_told_nothing() -> None:
    ended = threading.Event()
    before = set(threading.enumerate())

    async def drive() -> None:
        aside(ended.wait, lambda _made: pytest.fail("nobody waits"))

    in_a_loop(drive)
    (thread,) = set(threading.enumerate()) - before
    ended.set()
    thread.join(HANG)
    assert not thread.is_alive()
