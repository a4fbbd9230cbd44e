"""Work beside the kernel's loop: one piece at a time, the newest wins, and it can be stopped."""

from __future__ import annotations

import asyncio
import signal
import threading
import weakref
from collections.abc import Callable
from typing import Any

THREAD = "mindgap"
OFTEN = 0.1  # seconds between two looks at work that is going on


class Stopped(Exception):
    """Nobody wants the work any more."""


class Work:
    """What a piece of work is given: it says how far it is, and so learns that it is no longer wanted."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.share, self.words = 0.0, ""
        self.wanted = True
        self.cancelled = False
        self._loop = loop

    def say(self, share: float, words: str = "") -> None:
        """Say that a `share` is done, from 0 to 1, and in words what comes now."""
        self.share, self.words = share, words or self.words

    def __call__(self, share: float, words: str = "") -> None:
        """The same. Raises Stopped where nobody wants the rest."""
        self.say(share, words)
        if not self.wanted:
            raise Stopped

    def post(self, call: Callable[..., object], *arguments: Any) -> None:
        """Have something called where widgets may be changed: on the kernel's loop, or at once where there is none."""
        if self._loop is None:
            call(*arguments)
        else:
            _hand_over(self._loop, call, *arguments)


Outcome = tuple[Any, "Exception | None", bool]
"""A result, or an error, or whether it was cancelled."""


class Worker:
    """Does one piece of work at a time, in a thread; asked for another one, it stops the one that it is at.

    Where no event loop runs, all is done at once. While there is work, an interrupt of the kernel cancels it.
    """

    def __init__(self) -> None:
        self.current: Work | None = None
        self._next: Callable[[], None] | None = None
        self._closed = False

    def ask(
        self,
        job: Callable[[Work], Any],
        ended: Callable[[Any, Exception | None, bool], object],
        going_on: Callable[[float, str], object],
        busy: float,
    ) -> None:
        """Have a job done in place of whatever else there is to do, and have `ended` called with how it ended.

        From `busy` seconds on, `going_on` is called with the share that is done and what the work says.
        """
        self._closed = False
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            ended(*_done(job, Work()))
            return

        def begin() -> None:
            work = self.current = Work(loop)

            def look() -> None:
                if self.current is work and work.wanted:
                    going_on(work.share, work.words)
                    _listen()
                    loop.call_later(OFTEN, look)

            def finished(outcome: Outcome) -> None:
                self.current = None
                following, self._next = self._next, None
                if following is not None:
                    following()
                else:
                    _at_work.pop(self, None)
                    _listen()
                    if not self._closed:
                        ended(*outcome)

            def run() -> None:
                _hand_over(loop, finished, _done(job, work))

            _at_work[self] = loop
            loop.call_later(busy, look)
            threading.Thread(target=run, daemon=True, name=THREAD).start()

        if self.current is None:
            begin()
        else:
            self.current.wanted = False
            self._next = begin

    def cancel(self) -> None:
        """Stop what is being done; nothing comes in its place."""
        self._next = None
        if self.current is not None:
            self.current.wanted, self.current.cancelled = False, True

    def close(self) -> None:
        """Stop for good, and say nothing."""
        self._closed = True
        self.cancel()


def aside(make: Callable[[], Any], put: Callable[[Any], object]) -> None:
    """Make something small in a thread, and `put` it on the loop."""
    loop = asyncio.get_running_loop()
    threading.Thread(target=lambda: _hand_over(loop, put, make()), daemon=True, name=THREAD).start()


def _hand_over(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *arguments: Any) -> None:
    """Have something called on the loop; where that has ended, as at the end of a kernel, nobody waits for it."""
    try:
        loop.call_soon_threadsafe(call, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _done(job: Callable[[Work], Any], work: Work) -> Outcome:
    try:
        return job(work), None, False
    except Stopped:
        return None, None, work.cancelled
    except Exception as error:  # whatever it is: where the widgets are it is said, and raised if it is nobody's input
        return None, error, False


_at_work: weakref.WeakKeyDictionary[Worker, asyncio.AbstractEventLoop] = weakref.WeakKeyDictionary()


def _listen() -> None:
    """An idle kernel ignores an interrupt; while there is work, it cancels that. A running cell has its own way."""
    if threading.current_thread() is not threading.main_thread():
        return
    now, there_is_work = signal.getsignal(signal.SIGINT), not all(loop.is_closed() for loop in _at_work.values())
    if there_is_work and now is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupted)
    elif not there_is_work and now is _interrupted:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupted(_number: int, _frame: object) -> None:
    for worker, loop in list(_at_work.items()):
        _hand_over(loop, worker.cancel)
