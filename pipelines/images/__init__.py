"""Container images: the bases they stand on, their builds, and what was built."""
