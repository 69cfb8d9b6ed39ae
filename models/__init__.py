"""What survives a restart: SQLModel tables and every SQL statement."""
