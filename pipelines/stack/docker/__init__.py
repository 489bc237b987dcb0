"""The docker engine: the Compose project's own containers, started as soon as they can be."""
