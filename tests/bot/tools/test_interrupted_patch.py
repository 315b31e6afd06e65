"""A patch of several files whose worker is killed in the middle: nothing is lost, and no file is half."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.sandbox import Limits
from bot.tools.rewriting import patched
from bot.workspaces import Files

PATCH = """\
--- a/one
+++ b/one
@@ -1 +1 @@
-old one
+new one
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-old gone
--- /dev/null
+++ b/made
@@ -0,0 +1 @@
+new made
--- a/two
+++ b/two
@@ -1 +1 @@
-old two
+new two
"""
BEFORE = {"one": "old one\n", "two": "old two\n", "gone": "old gone\n"}
AFTER = {"one": "new one\n", "two": "new two\n", "made": "new made\n"}


def kill_after(acts: int, workspace: Path) -> bool:
    """Apply the patch in a process that kills itself after so many acts on names; whether it did."""
    workspace.mkdir()
    for name, text in BEFORE.items():
        (workspace / name).write_text(text)
    child = os.fork()
    if child == 0:
        _apply_and_exit(acts, workspace)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status != 0


def _apply_and_exit(acts: int, workspace: Path) -> None:
    left = iter(range(acts))

    def counted(act: Callable[..., None]) -> Callable[..., None]:
        def acting(*args: Any, **options: Any) -> None:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            act(*args, **options)

        return acting

    try:
        for name in ("link", "rename", "unlink"):
            setattr(os, name, counted(getattr(os, name)))
        patched(Files(workspace, None, Limits()), PATCH)
        os._exit(0)
    finally:
        os._exit(1)


def test_a_patch_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """Wherever it is killed each file is whole, as before or after, and all that stood there still does."""
    acts = 0
    while kill_after(acts, workspace := tmp_path / str(acts)):
        found = {path.name: path.read_text() for path in workspace.iterdir()}
        for name in BEFORE.keys() | AFTER.keys():
            assert found.get(name) in (BEFORE.get(name), AFTER.get(name))
        done = all(found.get(name) == AFTER.get(name) for name in BEFORE.keys() | AFTER.keys())
        assert done or set(BEFORE.values()) <= set(found.values())
        acts += 1
    assert acts > len(PATCH.split("--- a/"))
    assert {path.name: path.read_text() for path in workspace.iterdir()} == AFTER
