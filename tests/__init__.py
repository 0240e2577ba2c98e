"""Everything that is claimed about BitBrat, checked."""
