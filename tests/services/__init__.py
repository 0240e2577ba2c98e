"""Each service, tested as its author would: real hops on a memory bus."""
