"""Whether a process that said who it is still lives."""

import subprocess
import sys

from spacex_assets.processes import lives, this_process
from spacex_assets_tests.automation.conftest import until

CODE = "import time; from spacex_assets.processes import this_process as p; print(p(), flush=True); time.sleep(60)"


def test_a_process_that_ended_does_not_live_even_as_a_zombie() -> None:
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        identity = process.stdout.readline().strip()
        assert lives(identity) is True
        process.kill()
        until(lambda: lives(identity) is False)
    assert lives(identity) is False


def test_another_process_with_the_same_id_is_not_it_and_of_other_hosts_nobody_knows() -> None:
    host, pid, start = this_process().split()
    assert lives(f"{host} {pid} {start}") is True
    assert lives(f"{host} {pid} {start}0") is False
    assert lives(f"elsewhere {pid} {start}") is None
