"""console: the web page on which people watch incidents and missions."""
