"""The functions that AWS invokes itself, in a folder per trigger: queues, schedule, stream.

They answer nobody. What they fail to do is tried again and, in the end, kept for an operator.
"""
