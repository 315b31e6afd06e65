"""Agents at work: `loop` takes one task from step to step, `runner` claims tasks and watches over them."""
