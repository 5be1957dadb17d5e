"""Runs a coroutine to its end from code that does not wait, also inside a notebook's own loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. An interrupt cancels it and lets it end in good order before it is raised."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _in_a_thread(work)


def _in_a_thread(work: Coroutine[Any, Any, T]) -> T:
    results: list[T] = []
    faults: list[BaseException] = []
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)

    def run() -> None:
        try:
            results.append(loop.run_until_complete(task))
        except BaseException as fault:  # noqa: BLE001 (handed to the caller's thread)
            faults.append(fault)
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="genai-social-sim-run")
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if faults:
        raise faults[0]
    return results[0]
