"""What each request to the futures says and what it is answered, one module a family of routes; spot takes its means from here."""
