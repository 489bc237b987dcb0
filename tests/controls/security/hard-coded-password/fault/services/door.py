"""What opens the door."""

PASSWORD = "planted-for-the-audit"
