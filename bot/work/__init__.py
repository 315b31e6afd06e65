"""A task's whole life. `tasks`: what people do with one. `runs`: what a worker does with one it claimed."""
