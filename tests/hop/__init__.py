"""Hops, one at a time and in a row, on real buses and stores."""
