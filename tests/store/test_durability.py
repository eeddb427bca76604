"""Nothing that was acknowledged is lost when the process is killed, and nothing is taken twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from store_messages import T

from heapsleuth.store.opening import open_store

KILLS = 3
TESTS = Path(__file__).parent.parent

WRITER = """
import sys
from heapsleuth.store.opening import open_store
from store_messages import T, batch, instance

store = open_store(sys.argv[1])
sequence = int(sys.argv[2])
while True:
    sequence += 1
    rows = [{"at_ms": T + sequence, "number": float(sequence)}]
    taken = store.append([batch(rows, who=instance(f"web-{n}"), sequence=sequence) for n in range(3)])
    print(sequence, *map(int, taken), flush=True)
    if sequence % 50 == 0:
        store.maintain(T + sequence * 1e4)
"""


def test_what_was_acknowledged_survives_kills_in_the_middle_of_it(database_url: str) -> None:
    acknowledged: set[int] = set()
    last = 0
    for turn in range(KILLS):
        # Begins with the last message again, as an agent does that got no answer.
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, database_url, str(max(0, last - 1))],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": f"{TESTS}:{TESTS.parent / 'src'}"},
        )
        assert writer.stdout is not None
        for _ in range(40 + 17 * turn):
            number, *taken = map(int, writer.stdout.readline().split())
            assert taken == [int(number > last)] * 3
            acknowledged.add(number)
            last = max(last, number)
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
        acknowledged |= {int(line.split()[0]) for line in rest.splitlines() if line.count(" ") == 3}
        last = max(acknowledged)
        # The message after the last acknowledged one may be in the database, too, but not in part.
        store = open_store(database_url)
        kept = [[row["number"] for row in store.rows(f"web-{n}", 0, T + 1e9)] for n in range(3)]
        store.close()
        assert kept[0] == kept[1] == kept[2]
        assert acknowledged <= set(kept[0]) <= acknowledged | {last + 1}
        assert len(kept[0]) == len(set(kept[0]))
        last = int(max(kept[0]))
        acknowledged |= {last}
