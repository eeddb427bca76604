"""Tells open pages what changed: topics, and listeners with short memories."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EventHub", "Listener", "TooManyListeners"]

_REMEMBERED = 64
"""Per listener: a page that has not read for so many messages loads itself anew anyway."""
_MAX_LISTENERS = 2000


class TooManyListeners(Exception):
    """More pages are open than the collector wants to talk to."""


class Listener:
    """What one page hears; an asynchronous iterator that ends when the hub is closed."""

    def __init__(self, hub: EventHub, topic: str) -> None:
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._news: deque[Mapping[str, Any]] = deque(maxlen=_REMEMBERED)
        self._changed = asyncio.Event()
        self._ended = False
        self.topic = topic

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Mapping[str, Any]:
        """Return what comes next; may be cancelled and asked again."""
        while not self._news:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._news.popleft()

    def tell(self, body: Mapping[str, Any] | None) -> None:
        """Hand over a message, None for the end; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, body)

    def close(self) -> None:
        """Hear no more."""
        self._hub.forget(self)

    def _take(self, body: Mapping[str, Any] | None) -> None:
        if body is None:
            self._ended = True
        else:
            self._news.append(body)
        self._changed.set()


class EventHub:
    """The `Hub` of the collector; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Listener]] = {}
        self._closed = False

    def publish(self, topic: str, body: Mapping[str, Any]) -> None:
        """Tell everyone who listens to a topic; costs next to nothing when nobody does."""
        if topic in self._listeners:
            with self._lock:
                for listener in self._listeners.get(topic, ()):
                    listener.tell(body)

    def listen(self, topic: str) -> Listener:
        """
        Return what is published from now on; call its `close` in the end.

        Raises:
            TooManyListeners: There are too many already.
        """
        listener = Listener(self, topic)
        with self._lock:
            if sum(map(len, self._listeners.values())) >= _MAX_LISTENERS:
                raise TooManyListeners(f"{_MAX_LISTENERS} pages are listening already")
            if self._closed:
                listener.tell(None)
            else:
                self._listeners.setdefault(topic, set()).add(listener)
        return listener

    def topics(self) -> frozenset[str]:
        """Return the topics that somebody listens to."""
        with self._lock:
            return frozenset(self._listeners)

    def forget(self, listener: Listener) -> None:
        """Send a listener nothing more."""
        with self._lock:
            there = self._listeners.get(listener.topic, set())
            there.discard(listener)
            if not there:
                self._listeners.pop(listener.topic, None)

    def close(self) -> None:
        """End all listeners, and those to come."""
        with self._lock:
            self._closed = True
            for listeners in self._listeners.values():
                for listener in listeners:
                    listener.tell(None)
