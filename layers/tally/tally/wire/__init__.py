"""JSON and the field types that requests and events share: what clients send, as Tally reads it.

What a subject's own events contain belongs to the subject.
"""
