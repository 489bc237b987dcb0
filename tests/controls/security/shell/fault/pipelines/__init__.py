"""Empty: what is planted stands in `services`."""
