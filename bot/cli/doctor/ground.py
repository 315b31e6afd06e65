"""What every part stands on: the database, the configuration, the sandbox, the disk."""

import shutil
import time

from bot.app import configuration
from bot.app.faults import FAULTS, told
from bot.app.house import House, opened
from bot.cli.doctor.check import Check
from bot.errors import LegworkError
from bot.sandbox import probe
from config.settings import BadSettingsError
from storage import database

LOW_DISK_BYTES = 1 << 30


async def check_database(house: House) -> Check:
    """Whether it answers, and has what this version wants."""
    url = house.settings.database
    try:
        database.open(url)
        started = time.perf_counter()
        pending = await database.run(database.pending)
        took_ms = (time.perf_counter() - started) * 1000
    except FAULTS as error:
        return Check("database", "bad", f"{url} cannot be used: {told(error)}", "Then run doctor again.")
    finally:
        database.close()
    if pending:
        return Check("database", "bad", f"{len(pending)} migrations are pending", "Run: legwork migrate")
    return Check("database", "good", f"answers in {took_ms:.1f} ms, up to date")


async def check_configuration(house: House) -> Check:
    """The agents, policies, runbooks and prices, read as at every start."""
    own = house.settings.config
    try:
        async with opened(house.settings):
            await database.run(configuration.read, own)
            return Check("configuration", "good", f"{own}, beside Legwork's own" if own else "Legwork's own")
    except (LegworkError, BadSettingsError) as error:
        if (await check_database(house)).state == "bad":
            return Check("configuration", "off", "read once the database works")
        mend = f"Mend {own or 'config/defaults.toml'}: docs/commands.md shows how one is written."
        return Check("configuration", "bad", str(error), mend)


async def check_sandbox(house: House) -> Check:
    """Whether a command runs in it, and what it has to keep out is kept out."""
    tier = await probe(house.settings.home / "scratch", house.owner, kind=house.settings.sandbox)
    if tier.holds and tier.lacks:
        mend = "Where bubblewrap can be had, take LEGWORK_SANDBOX=landlock away: docs/sandbox.md."
        return Check("sandbox", "warn", f"{tier.name}, {tier.version}: {tier.lacks}", mend)
    if tier.holds and tier.cgroup:
        held = f"memory and processes held by a cgroup (version {tier.cgroup})"
        return Check("sandbox", "good", f"{tier.name}, {tier.version}, {held}")
    if tier.holds:
        mend = "A cgroup would hold memory at every instant: give the service Delegate=memory pids."
        return Check("sandbox", "good", f"{tier.name}, {tier.version}, memory held by meters", mend)
    return Check(
        "sandbox",
        "bad",
        "; ".join(problem.what for problem in tier.problems),
        " ".join(problem.mend for problem in tier.problems),
    )


async def check_disk(house: House) -> Check:
    """Whether there is room for the data folder to grow."""
    free = shutil.disk_usage(house.settings.home).free
    found = f"{free / (1 << 30):.1f} GB free"
    if free < LOW_DISK_BYTES:
        return Check("disk", "bad", found, "Make room, or move LEGWORK_HOME to a larger disk.")
    return Check("disk", "good", found)
