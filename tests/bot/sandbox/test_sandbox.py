"""Running commands in the sandbox: what comes out, what it sees, and how it ends."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import UserMistake
from bot.sandbox import Handle, Limits, Owner, Sandbox, kill


async def shell(sandbox: Sandbox, workspace: Path, script: str) -> str:
    outcome = await sandbox.run(["bash", "-c", script], workspace=workspace, merge_stderr=True)
    return outcome.stdout


async def test_output_and_exit_code_come_back(sandbox: Sandbox, workspace: Path) -> None:
    """Both streams are kept apart, and the exit code is the command's own."""
    outcome = await sandbox.run(["sh", "-c", "echo out; echo err >&2; exit 7"], workspace=workspace)
    assert (outcome.stdout, outcome.stderr, outcome.exit_code) == ("out\n", "err\n", 7)
    assert outcome.ended_by is None
    assert 0 < outcome.wall_s < 10
    assert outcome.peak_rss_bytes > 0
    assert outcome.peak_processes >= 1


async def test_an_outcome_is_ready_for_json(sandbox: Sandbox, workspace: Path) -> None:
    """The JSON form has exactly the promised keys."""
    outcome = await sandbox.run(["true"], workspace=workspace)
    assert list(outcome.to_json()) == [
        *("exit_code", "stdout", "stderr", "ended_by"),
        *("wall_s", "peak_rss_bytes", "peak_processes", "disk_bytes"),
    ]


async def test_merged_output_keeps_its_order(sandbox: Sandbox, workspace: Path) -> None:
    """Standard error lands among standard output, as on a terminal."""
    outcome = await sandbox.run(
        ["sh", "-c", "echo 1; echo 2 >&2; echo 3"], workspace=workspace, merge_stderr=True
    )
    assert (outcome.stdout, outcome.stderr) == ("1\n2\n3\n", "")


@pytest.mark.parametrize(
    ("script", "code"), [("kill -9 $$", 137), ("kill -TERM $$", 143), ("kill -SEGV $$", 139)]
)
async def test_a_signal_shows_in_the_exit_code(
    sandbox: Sandbox, workspace: Path, script: str, code: int
) -> None:
    """Death by signal N is 128 + N, as shells have it."""
    assert (await sandbox.run(["sh", "-c", script], workspace=workspace)).exit_code == code


async def test_a_missing_program_is_an_ordinary_failure(sandbox: Sandbox, workspace: Path) -> None:
    """The agent mistyped: exit code 127 and the name, as in a shell; the sandbox itself is fine."""
    outcome = await sandbox.run(["no-such-program"], workspace=workspace)
    assert outcome.exit_code == 127
    assert "no-such-program" in outcome.stderr


async def test_standard_input_is_passed_whole(sandbox: Sandbox, workspace: Path) -> None:
    """More than any pipe holds arrives, in order; none means end of file at once."""
    counted = await sandbox.run(["wc", "-c"], workspace=workspace, stdin=b"x" * 3_000_000)
    assert counted.stdout.strip() == "3000000"
    assert (await sandbox.run(["cat"], workspace=workspace)).stdout == ""


async def test_input_that_nobody_reads_is_dropped(sandbox: Sandbox, workspace: Path) -> None:
    """A command that ends without reading ends the run all the same."""
    assert (await sandbox.run(["true"], workspace=workspace, stdin=b"x" * 3_000_000)).exit_code == 0


async def test_the_workspace_keeps_what_was_written(sandbox: Sandbox, workspace: Path) -> None:
    """Files made inside are there afterwards, belong to the owner, and can be changed by the next run."""
    await shell(sandbox, workspace, "mkdir d && echo one > d/f")
    assert (workspace / "d/f").read_text() == "one\n"
    assert (workspace / "d/f").stat().st_uid == workspace.stat().st_uid
    assert await shell(sandbox, workspace, "echo two >> d/f && cat d/f") == "one\ntwo\n"


async def test_tmp_and_shm_are_each_runs_own(sandbox: Sandbox, workspace: Path, scratch: Path) -> None:
    """What a run leaves in /tmp and /dev/shm is gone with it."""
    await shell(sandbox, workspace, "echo x > /tmp/left; echo x > /dev/shm/left")
    assert await shell(sandbox, workspace, "ls /tmp /dev/shm") == "/dev/shm:\n\n/tmp:\n"
    assert list(scratch.iterdir()) == []


async def test_nobody_is_root_inside(sandbox: Sandbox, workspace: Path, owner: Owner | None) -> None:
    """The user inside is the owner, or the bot's own ordinary user; it has a name and a home."""
    wanted = owner.uid if owner else os.getuid()
    assert wanted != 0
    assert await shell(sandbox, workspace, "id -u; whoami; echo $HOME") == f"{wanted}\nagent\n/workspace\n"


async def test_only_the_workspace_and_scratch_can_be_written(sandbox: Sandbox, workspace: Path) -> None:
    """Every other place is read-only, the root and /dev too."""
    script = (
        "for d in / /usr /etc /dev /proc /proc/sys /bin; do touch $d/x 2>/dev/null && echo $d; done; echo end"
    )
    assert await shell(sandbox, workspace, script) == "end\n"


async def test_no_descriptor_leaks_in(sandbox: Sandbox, workspace: Path) -> None:
    """A command starts with its three streams and nothing else of the bot's."""
    held = os.open(workspace, os.O_RDONLY)
    os.set_inheritable(held, True)  # noqa: FBT003 - its only form
    try:
        assert await shell(sandbox, workspace, "cd /proc/self/fd && echo *") == "0 1 2 3\n"
    finally:
        os.close(held)


async def test_loopback_is_the_sandboxes_own(sandbox: Sandbox, workspace: Path) -> None:
    """A server inside can be reached inside; one of the host cannot."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    script = f"""
import socket
own = socket.create_server(("127.0.0.1", 0))
socket.create_connection(own.getsockname()).close()
print("own")
try: socket.create_connection(("127.0.0.1", {port}), 1); print("host")
except OSError as fault: print(type(fault).__name__)
try: socket.getaddrinfo("example.com", 80); print("resolved")
except OSError as fault: print(type(fault).__name__)
"""
    outcome = await sandbox.run(["python3", "-c", script], workspace=workspace)
    server.close()
    assert outcome.stdout == "own\nConnectionRefusedError\ngaierror\n"


async def test_variables_are_added_to_the_usual_ones(sandbox: Sandbox, workspace: Path) -> None:
    """Given variables arrive exactly; PATH finds the workspace's venv first."""
    value = "two\nlines = 'quotes' $HOME"
    outcome = await sandbox.run(
        ["sh", "-c", 'printf %s "$GIVEN"; echo; echo $PATH'], workspace=workspace, env={"GIVEN": value}
    )
    assert outcome.stdout.startswith(f"{value}\n/workspace/.venv/bin:")


@pytest.mark.parametrize(
    "env",
    [{"A": "x\0--bind\0/\0/host"}, {"A\0--bind": ""}, {"": "x"}, {"A=B": "x"}, {"A": "x" * 70_000}],
)
async def test_a_variable_cannot_become_an_option(
    sandbox: Sandbox, workspace: Path, env: dict[str, str], scratch: Path
) -> None:
    """A NUL in a variable would end it and start an option of bubblewrap: refused."""
    with pytest.raises(UserMistake):
        await sandbox.run(["env"], workspace=workspace, env=env)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("argv", [[], ["echo", "a\0b"], ["echo", "\ud800"], ["echo", "x" * 3_000_000]])
async def test_an_impossible_command_is_the_askers_mistake(
    sandbox: Sandbox, workspace: Path, argv: list[str]
) -> None:
    """Nothing to run, a NUL, or more than the kernel takes: told as a sentence, nothing left behind."""
    with pytest.raises(UserMistake):
        await sandbox.run(argv, workspace=workspace)


@pytest.mark.parametrize("argv", [["--help"], ["-c"], ["--"]])
async def test_a_command_cannot_become_an_option(sandbox: Sandbox, workspace: Path, argv: list[str]) -> None:
    """A program's name that looks like an option is looked for as a program."""
    assert (await sandbox.run(argv, workspace=workspace)).exit_code == 127


async def test_a_workspace_must_be_a_folder(sandbox: Sandbox, workspace: Path, room: Path) -> None:
    """A missing folder, a file and a symbolic link are refused with a sentence."""
    (room / "file").touch()
    (room / "link").symlink_to(workspace)
    for path in (room / "missing", room / "file", room / "link"):
        with pytest.raises(UserMistake, match="cannot be used"):
            await sandbox.run(["true"], workspace=path)


async def test_an_agent_cannot_shut_itself_out(sandbox: Sandbox, workspace: Path) -> None:
    """A workspace whose own folder was shut by a run is usable by the next."""
    await shell(sandbox, workspace, "chmod 000 /workspace")
    assert await shell(sandbox, workspace, "touch f && ls") == "f\n"


async def test_links_in_the_workspace_reach_nothing_outside(
    sandbox: Sandbox, workspace: Path, room: Path
) -> None:
    """Links planted where the sandbox mounts things, or to the host, resolve inside or not at all."""
    (room / "secret").write_text("CANARY")
    for name in (".git", "tmp", ".venv", "out"):
        (workspace / name).symlink_to(room)
    assert "CANARY" not in await shell(sandbox, workspace, "cat */secret .git/secret; echo x > out/made")
    assert not (room / "made").exists()


async def test_nothing_outlives_its_run(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    """Background jobs, new sessions and double forks die when the command ends."""
    script = (
        "sleep 100 & setsid sleep 100 & (setsid sh -c 'sleep 100 & sleep 100' &); nohup sleep 100 & exit 4"
    )
    outcome = await sandbox.run(["bash", "-c", script], workspace=workspace)
    assert outcome.exit_code == 4
    assert outcome.wall_s < 5
    assert survivors() == []


async def test_cancelling_kills_at_once(
    sandbox: Sandbox, workspace: Path, scratch: Path, survivors: Callable[[], list[int]]
) -> None:
    """Within a second of the cancellation every process is dead and the scratch folders are gone."""
    os.mkfifo(workspace / "up")
    (workspace / "up").chmod(0o666)
    script = "trap '' TERM INT; echo > up; sleep 100 & sleep 100"
    task = asyncio.create_task(sandbox.run(["bash", "-c", script], workspace=workspace))
    await asyncio.to_thread((workspace / "up").read_text)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    assert survivors() == []
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("after_ms", range(0, 24, 2))
async def test_cancelling_while_it_starts_leaves_nothing(
    sandbox: Sandbox, workspace: Path, scratch: Path, survivors: Callable[[], list[int]], after_ms: int
) -> None:
    """At whatever moment of its start a run is cancelled, even twice, no process and no folder stays."""
    await sandbox.wall()
    task = asyncio.create_task(sandbox.run(["sleep", "100"], workspace=workspace))
    await asyncio.wait({task}, timeout=after_ms / 1000)
    task.cancel()
    await asyncio.wait({task}, timeout=0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert survivors() == []
    assert not scratch.exists() or list(scratch.iterdir()) == []


async def test_a_run_can_be_named_before_it_runs(sandbox: Sandbox, workspace: Path) -> None:
    """`on_start` hears of the sandbox, and the command waits until it has answered."""
    heard: list[Handle] = []

    async def on_start(handle: Handle) -> None:
        heard.append(handle)
        await asyncio.sleep(0.05)
        assert not (workspace / "ran").exists()

    await sandbox.run(["touch", "ran"], workspace=workspace, on_start=on_start)
    assert (workspace / "ran").exists()
    assert heard[0].pid > 1


async def test_a_run_whose_start_cannot_be_recorded_never_runs(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    """Where `on_start` fails (the lease is lost), the command is not let go."""

    async def on_start(_: Handle) -> None:
        raise LookupError("the lease is lost")

    with pytest.raises(LookupError):
        await sandbox.run(["touch", "ran"], workspace=workspace, on_start=on_start)
    assert not (workspace / "ran").exists()
    assert survivors() == []


async def test_another_worker_can_kill_by_handle(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    """`kill` ends exactly that sandbox and says so; killing it again is true as well."""
    started: asyncio.Future[Handle] = asyncio.get_running_loop().create_future()

    async def on_start(handle: Handle) -> None:
        started.set_result(handle)

    task = asyncio.create_task(sandbox.run(["sleep", "100"], workspace=workspace, on_start=on_start))
    handle = await started
    assert await asyncio.to_thread(kill, handle)
    assert survivors() == []
    outcome = await task
    assert (outcome.exit_code, outcome.ended_by) == (137, None)
    assert kill(handle)


async def test_a_reused_pid_is_never_killed() -> None:
    """A process that began at another time is somebody else: it lives on, and the sandbox counts as gone."""
    process = await asyncio.create_subprocess_exec("sleep", "100")
    assert kill(Handle(process.pid, started=1))
    assert process.returncode is None
    process.kill()
    assert await process.wait() == -9


async def test_the_bots_own_python_runs_inside(sandbox: Sandbox, workspace: Path) -> None:
    """An interpreter outside /usr is there too, so that a venv made by it works."""
    if os.geteuid() == 0 or Path(sys.base_prefix).is_relative_to("/usr"):
        pytest.skip("this bot's sandbox uses the system's /usr/bin/python3")
    script = "import sys; print(sys.base_prefix)"
    outcome = await sandbox.run(["python3", "-c", script], workspace=workspace)
    assert outcome.stdout == f"{sys.base_prefix}\n"


async def test_many_runs_at_once_keep_apart(sandbox: Sandbox, make_workspace: Callable[[str], Path]) -> None:
    """Runs side by side each have their own workspace, scratch and outcome."""
    spaces = [make_workspace(f"ws{number}") for number in range(12)]
    script = "echo $0 > /tmp/x; echo $0 > here; sleep 0.1; cat /tmp/x here; ls /workspace | wc -l; exit $0"
    outcomes = await asyncio.gather(
        *(sandbox.run(["sh", "-c", script, str(n)], workspace=space) for n, space in enumerate(spaces))
    )
    assert [outcome.exit_code for outcome in outcomes] == list(range(12))
    assert [outcome.stdout for outcome in outcomes] == [f"{n}\n{n}\n1\n" for n in range(12)]


async def test_the_loop_stays_free_while_a_crowded_workspace_is_metered(
    sandbox: Sandbox, workspace: Path
) -> None:
    """Metering 5,000 files happens beside the loop: nothing else waits for it noticeably."""
    for folder in range(5):
        (workspace / str(folder)).mkdir()
        for file in range(1000):
            (workspace / str(folder) / str(file)).touch()
    task = asyncio.create_task(
        sandbox.run(["sleep", "0.6"], workspace=workspace, limits=Limits(timeout_s=20))
    )
    longest = 0.0
    while not task.done():
        before = time.monotonic()
        await asyncio.sleep(0.002)
        longest = max(longest, time.monotonic() - before)
    assert (await task).exit_code == 0
    assert longest < 0.25
