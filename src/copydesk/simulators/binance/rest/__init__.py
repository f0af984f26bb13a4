"""What each request says and what it is answered: one module a family of routes."""
