"""The edges: outside systems on one side, our events on the other."""
