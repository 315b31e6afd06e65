"""The ground: tables, and one small file of functions per noun. Imports nothing of the house."""
