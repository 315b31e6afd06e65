"""Whether a worker is alive: seen by other processes, from its start to its death."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot.app.presence import alive, worker_alive

HOLD = "import sys; from pathlib import Path; from bot.app.presence import alive\n"
HOLD += "with alive(Path(sys.argv[1])): print('up', flush=True); sys.stdin.read()"


def test_a_worker_is_seen_for_as_long_as_it_lives(tmp_path: Path) -> None:
    """Several workers share a folder; one that is killed is no longer alive."""
    assert not worker_alive(tmp_path)
    with alive(tmp_path), alive(tmp_path):
        assert worker_alive(tmp_path)
    assert not worker_alive(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout
        worker.stdout.readline()
        assert worker_alive(tmp_path)
        worker.kill()
        worker.wait()
        assert not worker_alive(tmp_path)


def test_those_who_look_do_not_see_each_other(tmp_path: Path) -> None:
    """However many look at once, none takes another for a worker."""
    with ThreadPoolExecutor(8) as threads:
        assert not any(threads.map(worker_alive, [tmp_path] * 2_000))
