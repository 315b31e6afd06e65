"""What people call tasks and approvals."""


def key(task_id: int) -> str:
    """What people call a task: T-12."""
    return f"T-{task_id}"


def approval_key(approval_id: int) -> str:
    """What people call an approval: A-17."""
    return f"A-{approval_id}"
