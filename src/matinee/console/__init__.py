"""Pages in a browser, on the decision server: what a member sees, and what the team sees."""
