"""The bitbrat command, as people and scripts call it."""
