"""The systems that are audited here are read, not run: their own tests are none of ours."""

collect_ignore = ["systems"]
