"""Commands of the app, at the server's own terminal."""
