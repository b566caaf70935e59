"""Tally: the back office of a data marketplace. Layers: functions > http > store > domain."""
