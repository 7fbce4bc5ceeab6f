"""Replay: archives of saved responses judged in batches, and the questions asked of all results.

Needs the extra ``replay``; docs/replay.md says what each number and each finding means.
"""
