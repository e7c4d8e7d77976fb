"""What lies outside: the mail server or a folder."""
