"""Waiting for a port."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load import wait_until_listening


def test_a_port_that_opens_later_is_noticed(unused_port: int) -> None:
    listening = socket.socket()

    def listen() -> None:
        time.sleep(0.3)
        listening.bind(("127.0.0.1", unused_port))
        listening.listen()

    thread = threading.Thread(target=listen)
    began = time.monotonic()
    thread.start()
    found = wait_until_listening(f"http://127.0.0.1:{unused_port}/ready", 10)
    thread.join()
    listening.close()

    assert found
    assert 0.3 <= time.monotonic() - began < 5


def test_a_port_that_never_opens_is_given_up_in_time(unused_port: int) -> None:
    began = time.monotonic()

    assert not wait_until_listening(f"http://127.0.0.1:{unused_port}", 0.3)
    assert time.monotonic() - began < 2


def test_the_wait_ends_with_the_process_that_was_waited_for(unused_port: int) -> None:
    began = time.monotonic()

    assert not wait_until_listening(f"http://127.0.0.1:{unused_port}", 30, alive=lambda: False)
    assert time.monotonic() - began < 5


def test_waiting_for_what_is_no_url_is_an_error_of_use() -> None:
    with pytest.raises(UsageError, match="expected a URL"):
        wait_until_listening("localhost:3000", 1)
