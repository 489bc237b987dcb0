"""The gateway: the only public door."""
