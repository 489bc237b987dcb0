"""fabric: the registry of nodes, and the place where tokens come from."""
