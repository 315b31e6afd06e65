"""A process is frozen past its lease, and another goes on: awake again, it does nothing more of that task."""

import hashlib
from pathlib import Path
from typing import Any

from bot.events import Event, RunStarted, ToolInterrupted
from storage import database
from storage.tables import Deliveries, Runs, Streams, Subscriptions, Tasks, Workspaces
from tests.fakes.models import calls
from tests.fakes.scene import INTERRUPTED, Scene, kinds
from tests.fakes.team import PATIENCE_S, Part, in_time, until

BEATING = calls(("terminal", {"command": "while true; do echo beat >> beats; sleep 0.01; done"}))
WORK = calls(("terminal", {"command": "echo worked >> log; mkdir -p outbox; cp log outbox"}))
FINISH = calls(("finish", {"summary": "It is done."}))


def alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def files(scene: Scene) -> dict[str, tuple[int, str]]:
    """The workspace's files, with when they were changed, and what is in them."""
    found = [path for path in scene.desk.workspace().rglob("*") if path.is_file()]
    return {
        str(path): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()) for path in found
    }


async def left(scene: Scene) -> tuple[list[Event], dict[str, tuple[int, str]], list[str], Any]:
    """All that a worker could have changed."""
    return await scene.events(), files(scene), scene.parts(), scene.mails()


async def wakes_and_does_another_task(scene: Scene, frozen: Part, heir: Part) -> None:
    """Once the heir is gone, the one that was frozen leaves the task as it is, and claims the next."""
    before = await left(scene)
    assert await heir.stop() == 0
    asked = len(scene.server.requests)
    frozen.thaw()
    scene.server.script = [WORK, FINISH]
    second = await scene.desk.assigned_in_slack("Another")
    await scene.settled(second)
    (run,) = kinds(await scene.events(second), RunStarted)
    assert run.worker.endswith(f":{frozen.process.pid}")
    events, found, posted, mailed = await left(scene)
    assert (events, found, mailed) == (before[0], before[1], before[3])
    assert posted[: len(before[2])] == before[2]
    assert posted.count("root") == posted.count("result") == 2
    assert len(scene.server.requests) == asked + 2
    assert await database.run(lambda: [one.held_by for one in Workspaces.select()]) == [None, None]


async def test_a_worker_frozen_in_mid_tool_does_nothing_more(scene: Scene) -> None:
    """Whoever takes over kills its sandbox first; awake again, it writes nothing and takes other work."""
    scene.server.script = [BEATING, WORK, FINISH]
    await scene.desk.assigned_in_slack("Try")
    frozen = await scene.worker()
    await until((scene.desk.workspace() / "beats").exists)
    pid = await database.run(lambda: Runs.get().sandbox_pid)
    await scene.freeze(frozen)
    assert alive(pid)
    await scene.leases_end()
    heir = await scene.worker()
    await until(lambda: not alive(pid))
    beats = (scene.desk.workspace() / "beats").read_bytes()
    await scene.settled()
    events = await scene.events()
    assert [fact.call_id for fact in kinds(events, ToolInterrupted)]
    assert [fact.attempt for fact in kinds(events, RunStarted)] == [1, 2]
    assert scene.answers()[0] == INTERRUPTED
    await wakes_and_does_another_task(scene, frozen, heir)
    assert (scene.desk.workspace() / "beats").read_bytes() == beats
    assert (scene.desk.workspace() / "log").read_text() == "worked\n"


async def test_a_worker_frozen_in_mid_request_does_not_use_the_answer(scene: Scene) -> None:
    """The answer that it finds when it wakes is for nobody: another worker has asked anew, and finished."""
    scene.server.script = [calls(("terminal", {"command": "echo late >> log"}), hang="middle"), WORK, FINISH]
    await scene.desk.assigned_in_slack("Try")
    frozen = await scene.worker()
    await scene.asked(1)
    await scene.freeze(frozen)
    await scene.leases_end()
    heir = await scene.worker()
    await scene.settled()
    scene.server.gate.set()
    await wakes_and_does_another_task(scene, frozen, heir)
    assert (scene.desk.workspace() / "log").read_text() == "worked\n"


async def test_a_cancelled_task_ends_though_its_worker_is_frozen(scene: Scene) -> None:
    """The next task in its workspace begins when its sandbox is dead, and is left alone by the sleeper."""
    scene.server.script = [BEATING, WORK, FINISH]
    await scene.desk.does("agent assign @coder --in shared Try")
    beats = scene.desk.house.workspaces.path("shared") / "beats"
    frozen = await scene.worker()
    await until(beats.exists)
    pid = await database.run(lambda: Runs.get().sandbox_pid)
    await scene.freeze(frozen)
    await scene.desk.does("task cancel T-1")
    await scene.desk.does("agent assign @coder --in shared Go on")
    await scene.leases_end()
    heir = await scene.worker()
    await scene.settled(2)
    assert not alive(pid)
    assert await heir.stop() == 0
    size, before = beats.stat().st_size, [await scene.events(1), await scene.events(2)]
    frozen.thaw()
    scene.server.script = [FINISH]
    await scene.desk.does("agent assign @coder --in shared Finish")
    await scene.settled(3)
    assert [await scene.events(1), await scene.events(2)] == before
    assert beats.stat().st_size == size


async def test_a_delivery_frozen_before_its_post_posts_nothing(scene: Scene) -> None:
    """While it waits for its turn in a channel it is frozen: what another one has posted, it does not."""
    await scene.desk.does("agent pause coder")
    await scene.desk.assigned_in_slack("One")
    slack = scene.desk.room.slack
    slack.fail("chat.postMessage", error="ratelimited", retry_after=6)
    frozen = await scene.worker()
    await frozen.says("far end busy or down")
    await scene.desk.assigned_in_slack("Two")

    async def waits() -> bool:
        return await database.run(lambda: Deliveries.select().where(Deliveries.state == "sending").exists())

    await in_time(waits)
    await scene.freeze(frozen)
    assert not slack.history("general")
    await scene.leases_end()
    await scene.worker()
    await scene.desk.room.wait_for(lambda: len(slack.history("general")) == 2, PATIENCE_S)
    await told_all(scene)
    frozen.thaw()
    await frozen.says("another worker goes on with this delivery")
    assert len(slack.history("general")) == 2


async def test_a_delivery_frozen_after_its_post_is_not_repeated(scene: Scene) -> None:
    """Another one finds the post; the one that sent it learns of that when it wakes."""
    await scene.desk.does("agent pause coder")
    await scene.desk.assigned_in_slack("One")
    slack = scene.desk.room.slack
    slack.fail("chat.postMessage", how="hang", acted=True)
    frozen = await scene.worker()
    await scene.posted("root")
    await scene.freeze(frozen)
    await scene.leases_end()
    await scene.worker()
    await told_all(scene)
    frozen.thaw()
    await frozen.says("another worker goes on with this delivery")
    assert scene.parts() == ["root"]


async def told_all(scene: Scene) -> None:
    """Wait until everyone was told all that there is."""

    def look() -> bool:
        behind = Subscriptions.cursor < Streams.seq
        return not Subscriptions.select().join(Tasks).join(Streams).where(behind).exists()

    assert scene
    await in_time(lambda: database.run(look))
