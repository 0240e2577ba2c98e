"""What the architecture, the build and the papers say of this repository, checked against its files."""
