"""Claims: what documents say was done, held against what the rules found.

    sources -> statements -> topics and scope -> verdicts -> printing

A statement is read as a claim only when it says that something *is* done; a verdict names the
findings that speak against it, and only those that concern exactly what it is about.
"""
