"""The process engine: a Compose project brought up as local processes, healthy or explained.

`engine` is what the tasks call; it resolves the project into `launch`es and talks to the
`supervisor`, a process of its own that keeps one `lifecycle` per service.
"""
