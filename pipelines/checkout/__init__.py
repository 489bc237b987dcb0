"""The working copy as it really is: its files, what each holds, and what changed since."""
