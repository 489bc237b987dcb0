"""The audit: what breaks a launch in any repository, found without running any of it.

    tracked -> model -> rules -> findings -> formats

What Git tracks is parsed once into a model, in which every node knows its file and line. A rule is
a small function over the model; what it yields becomes a finding, and a format prints findings.
"""
