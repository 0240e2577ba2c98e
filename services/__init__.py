"""The deployables of BitBrat, one folder each. They never import each other."""
