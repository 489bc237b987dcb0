"""Containers: Dockerfiles, what they are built from, and what is known of the image."""
