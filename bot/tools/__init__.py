"""What agents can do: one file a tool, listed on the shelf."""
