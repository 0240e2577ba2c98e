"""Inputs that must be refused, and what must happen then: the rows of the page on bad inputs, by number."""
