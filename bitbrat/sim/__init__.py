"""Deterministic simulation: the real services on a virtual clock, a simulated bus and store, with faults from a seed.

One seed is one history. A checker compares what was accepted with what happened. Source: ``docs/concepts/delivery.md``.
"""
