"""Commands at the server's own terminal."""
