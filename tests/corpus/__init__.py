"""Claims checked on recorded lines, which are not part of this repository."""
